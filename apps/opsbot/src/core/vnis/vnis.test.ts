/** VNIs, their ranges and their networks, over whatever numbers there are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Range } from "./policy.ts";
import { MalformedRanges, checkRanges, poolFor } from "./policy.ts";
import { judgeSeen } from "./reconcile.ts";
import type { Span } from "./spans.ts";
import { blocksOf, contains, freeOf, overlap, sizeOf, without } from "./spans.ts";
import {
  addressesOf,
  networkOf,
  networkText,
  numbersOf,
  numbersTouched,
  subnetOf,
} from "./subnets.ts";
import { VNIS, VNI_BLOCK, formulaIpv4, globalIdOf, ipv6Of } from "./vni.ts";

const anySpan = (max: number) =>
  fc
    .tuple(fc.integer({ min: 0, max }), fc.integer({ min: 0, max }))
    .map(([a, b]): Span => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const numbersIn = (spans: readonly Span[]) => spans.flatMap((span) => freeOf(span, new Set()));
const anyVni = fc.integer({ min: VNIS.first, max: VNIS.last });
const anyGlobalId = fc.integer({ min: 0, max: 0xff_ff_ff_ff }).map(globalIdOf);

describe("spans", () => {
  test("what is left of a span is what the others have not", () => {
    fc.assert(
      fc.property(anySpan(60), fc.array(anySpan(60), { maxLength: 5 }), (span, others) => {
        const taken = new Set(numbersIn(others));
        expect(numbersIn(without(span, others))).toEqual(freeOf(span, taken));
      }),
    );
  });

  test("blocks have all numbers once, in order, and none reaches over a multiple of the size", () => {
    fc.assert(
      fc.property(anySpan(100), fc.integer({ min: 1, max: 30 }), (span, size) => {
        const blocks = blocksOf([span], size);
        expect(numbersIn(blocks)).toEqual(numbersIn([span]));
        for (const { first, last } of blocks)
          expect(Math.floor(first / size)).toBe(Math.floor(last / size));
      }),
    );
  });

  test("all VNIs make 4,096 blocks of 4,096, but for the two that are left out", () => {
    const blocks = blocksOf([VNIS], VNI_BLOCK);
    expect(blocks).toHaveLength(4_096);
    expect(blocks.reduce((sum, block) => sum + sizeOf(block), 0)).toBe(16_777_214);
    expect(blocks[1]).toEqual({ first: 4_096, last: 8_191 });
  });
});

describe("networks", () => {
  test("a VNI's IPv6 network has its 24 bits, and no other one has the same", () => {
    expect(ipv6Of("474c000000", 70_000)).toBe("fd47:4c00:1:1170::/64");
    expect(ipv6Of("0000000000", 1)).toBe("fd00:0:0:1::/64");
    expect(ipv6Of("ffffffff00", VNIS.last)).toBe("fdff:ffff:ffff:fffe::/64");
    expect(ipv6Of("474c000000", 65_536)).toBe("fd47:4c00:1::/64");
    fc.assert(
      fc.property(anyGlobalId, anyVni, (globalId, vni) => {
        const text = ipv6Of(globalId, vni);
        const groups = text.replace("::/64", "").split(":");
        const bits = groups.map((group) => group.padStart(4, "0")).join("");
        expect(bits.padEnd(16, "0")).toBe(
          `fd${globalId.slice(0, 8)}${vni.toString(16).padStart(6, "0")}`,
        );
        // As URLs write addresses: RFC 5952.
        expect(new URL(`http://[${text.replace("/64", "")}]`).hostname).toBe(
          `[${text.replace("/64", "")}]`,
        );
      }),
    );
    for (const vni of [0, 16_777_215, 1.5, Number.NaN])
      expect(() => ipv6Of("474c000000", vni)).toThrow(/expected 1 to 16777214/);
    expect(() => ipv6Of("474c0000ff", 1)).toThrow(/10 hexadecimal digits/);
  });

  test("the formula has each network 256 times", () => {
    expect(formulaIpv4(70_000)).toBe("10.17.112.0/24");
    expect(formulaIpv4(70_000 + 65_536)).toBe(formulaIpv4(70_000));
    const all = new Set(Array.from({ length: 65_536 }, (_, vni) => formulaIpv4(vni)));
    expect(all.size).toBe(65_536);
  });

  test("a network is the same after it was written and read", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 32 }),
        fc.nat({ max: 0xff_ff_ff_ff }),
        (prefix, any) => {
          const size = 2 ** (32 - prefix);
          const network = { address: any - (any % size), prefix };
          expect(networkOf(networkText(network))).toEqual(network);
          expect(sizeOf(addressesOf(network))).toBe(size);
        },
      ),
    );
    for (const text of ["10.0.0.1/8", "10.0.0/8", "256.0.0.0/8", "10.0.0.0/33", "", "10.0.0.0"])
      expect(() => networkOf(text)).toThrow(/expected one such as/);
  });

  test("subnets of a pool are within it and apart, and their numbers are those that they touch", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 24 }),
        fc.integer({ min: 0, max: 6 }),
        fc.nat({ max: 0xff_ff_ff_ff }),
        (prefix, more, any) => {
          const pool = { address: any - (any % 2 ** (32 - prefix)), prefix };
          const subnetPrefix = prefix + more;
          const numbers = numbersIn([numbersOf(pool, subnetPrefix)]);
          expect(numbers).toHaveLength(2 ** more);
          const spans = numbers.map((number) => addressesOf(subnetOf(number, subnetPrefix)));
          for (const [at, span] of spans.entries()) {
            expect(contains(addressesOf(pool), span)).toBe(true);
            expect(spans.slice(0, at).some((other) => overlap(other, span))).toBe(false);
            const number = numbers[at]!;
            expect(numbersTouched(span, subnetPrefix)).toEqual({ first: number, last: number });
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("ranges", () => {
  test("those that overlap in part, are the same or are no VNIs are refused by name", () => {
    const refused = (...ranges: Span[]) => {
      expect(() => checkRanges(ranges)).toThrow(MalformedRanges);
    };
    refused({ first: 1, last: 10 }, { first: 10, last: 20 });
    refused({ first: 1, last: 10 }, { first: 1, last: 10 });
    refused({ first: 0, last: 10 });
    refused({ first: 5, last: 16_777_215 });
    refused({ first: 6, last: 5 });
    checkRanges([
      { first: 1, last: 10 },
      { first: 2, last: 10 },
      { first: 11, last: 11 },
    ]);
  });

  test("no two pools have a VNI in common, and together they have no other than the ranges", () => {
    const scope = fc.record({
      tenant: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
      region: fc.option(fc.constantFrom("x", "y"), { nil: undefined }),
      site: fc.option(fc.constantFrom("p", "q"), { nil: undefined }),
    });
    const anyRange = fc
      .tuple(anySpan(80), scope)
      .map(([{ first, last }, more]): Range => ({ first: first + 1, last: last + 1, ...more }));
    const isRight = (ranges: readonly Range[]) => {
      try {
        checkRanges(ranges);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(fc.array(anyRange, { maxLength: 6 }), fc.array(scope), (drawn, wishes) => {
        // Those that go with the ones before.
        const ranges: Range[] = [];
        for (const range of drawn) if (isRight([...ranges, range])) ranges.push(range);
        if (ranges.length === 0) return;
        const pools = new Map(
          wishes.flatMap((wish) => poolFor(wish, ranges) ?? []).map((pool) => [pool.key, pool]),
        );
        const numbers = [...pools.values()].flatMap(({ spans }) => numbersIn(spans));
        expect(new Set(numbers).size).toBe(numbers.length);
        const inRanges = new Set(numbersIn(ranges));
        expect(numbers.every((number) => inRanges.has(number))).toBe(true);
      }),
    );
  });

  test("without ranges all VNIs are everybody's; a tenant's range goes before a site's", () => {
    expect(poolFor({ tenant: "a" }, [])).toEqual({
      key: "1-16777214",
      name: "everybody",
      spans: [VNIS],
    });
    const ranges = [
      { first: 1, last: 10, site: "p", region: "x" },
      { first: 11, last: 20, tenant: "a" },
    ];
    const wish = { tenant: "a", site: "p", region: "x" };
    expect(poolFor(wish, ranges)).toMatchObject({ key: "11-20", name: "tenant a" });
    expect(poolFor({ ...wish, tenant: "b" }, ranges)).toMatchObject({ key: "1-10" });
    expect(poolFor({ tenant: "b" }, ranges)).toBeUndefined();
  });
});

test("in whichever order nodes were asked, the same is taken over, and each VNI once", () => {
  const anySeen = fc.record({
    node: fc.constantFrom("node-1", "node-2"),
    vni: fc.integer({ min: 0, max: 6 }),
    owner: fc.constantFrom("a", "b", "c"),
  });
  const anyHeld = fc.uniqueArray(
    fc.record({
      vni: fc.integer({ min: 1, max: 4 }),
      owner: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
    }),
    { selector: ({ vni }) => vni },
  );
  fc.assert(
    fc.property(fc.array(anySeen), anyHeld, (seen, held) => {
      const owned = held.flatMap(({ owner }) => owner ?? []);
      fc.pre(new Set(owned).size === owned.length);
      const judged = judgeSeen(seen, held);
      expect(judgeSeen(seen.toReversed(), held)).toEqual(judged);
      const after = [...held.filter(({ owner }) => owner !== undefined), ...judged.imports];
      expect(new Set(after.map(({ vni }) => vni)).size).toBe(after.length);
      expect(new Set(after.map(({ owner }) => owner)).size).toBe(after.length);
      // What was taken over is no conflict the next time.
      const next = [...held, ...judged.imports];
      expect(judgeSeen(judged.imports, next)).toEqual({
        imports: [],
        conflicts: [],
        lingering: [],
      });
    }),
  );
});

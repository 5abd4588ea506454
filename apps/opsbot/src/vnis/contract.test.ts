/** One contract for VNIs in a file and in PostgreSQL. */
import { OperatorError } from "@glassline/service/errors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Postgres } from "../stores/postgres.testing.ts";
import { describeWithPostgres, startPostgres } from "../stores/postgres.testing.ts";
import { scratch } from "../stores/store.testing.ts";
import type { VniRefusedError, Vnis } from "./vnis.ts";
import type { OpenVnis, VniTestOptions } from "./vnis.testing.ts";
import { openVnisInFile, openVnisInPostgres, wishOf, wishesOf } from "./vnis.testing.ts";

const PATIENT = { timeout: 120_000 };

/** Where VNIs are kept; it can be opened again. */
interface Place {
  open(options?: VniTestOptions): Promise<OpenVnis>;
}

describe("in a file", PATIENT, () => {
  contract(async () => {
    const directory = scratch();
    return { open: (options) => openVnisInFile(directory, options) };
  });

  test("another process's file is refused by name", async () => {
    const directory = scratch();
    await using _open = await openVnisInFile(directory);
    await expect(openVnisInFile(directory)).rejects.toThrow(OperatorError);
    await expect(openVnisInFile(directory)).rejects.toThrow(/vnis\.sqlite/);
  });

  test("a subnet that overlaps another one is not written, whoever writes it", async () => {
    await using open = await openVnisInFile(scratch());
    const { vnis, database } = open;
    const { vni } = await vnis.allocate(wishOf("one"));
    const write = (net: string, first: number, last: number) =>
      database.run(
        "INSERT INTO vni_subnets (vni, net, first, last) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        vni,
        net,
        first,
        last,
      );
    await vnis.allocate(wishOf("two", { ipv4: true }));
    const taken = 0x0a_40_00_00;
    expect(await write("10.64.0.128/25", taken + 128, taken + 255)).toBe(0);
    expect(await write("10.0.0.0/8", 0x0a_00_00_00, 0x0a_ff_ff_ff)).toBe(0);
    expect(await write("10.64.1.0/24", taken + 256, taken + 511)).toBe(1);
  });
});

describeWithPostgres()("in PostgreSQL", PATIENT, () => {
  let postgres: Postgres;
  beforeAll(async () => void (postgres = await startPostgres()), 60_000);
  afterAll(() => postgres[Symbol.asyncDispose]());

  contract(async () => {
    const url = await postgres.database();
    return { open: (options) => openVnisInPostgres(url, options) };
  });

  test("a subnet that overlaps another one is not written, whoever writes it", async () => {
    await using open = await openVnisInPostgres(await postgres.database());
    const { vnis, database } = open;
    const { vni } = await vnis.allocate(wishOf("one"));
    const write = (net: string) =>
      database.run("INSERT INTO vni_subnets (vni, net) VALUES ($1, $2)", vni, net);
    await vnis.allocate(wishOf("two", { ipv4: true }));
    await expect(write("10.64.0.128/25")).rejects.toThrow(/vni_subnets_apart/);
    await expect(write("10.0.0.0/8")).rejects.toThrow(/vni_subnets_apart/);
    expect(await write("10.64.1.0/24")).toBe(1);
  });

  test("replicas that start and allocate at once have one network, and no VNI twice", async () => {
    const url = await postgres.database();
    const replicas = await Promise.all(Array.from({ length: 4 }, () => openVnisInPostgres(url)));
    try {
      const all = await Promise.all(
        replicas.flatMap(({ vnis }, at) => [
          vnis.allocateAll(
            wishesOf(500).map((wish) => ({ ...wish, owner: `${at}/${wish.owner}` })),
          ),
          // All of them want these, too.
          vnis.allocateAll(wishesOf(200, { ipv4: true })),
        ]),
      );
      const byOwner = new Map<string, string>();
      for (const allocation of all.flat()) {
        const text = JSON.stringify(allocation);
        expect(byOwner.get(allocation.owner) ?? text).toBe(text);
        byOwner.set(allocation.owner, text);
      }
      expect(byOwner.size).toBe(4 * 500 + 200);
      const vniOf = [...byOwner.values()].map((text) => (JSON.parse(text) as { vni: number }).vni);
      expect(new Set(vniOf).size).toBe(byOwner.size);
      const networks = new Set(all.flat().map(({ ipv6 }) => ipv6.slice(0, 9)));
      expect(networks.size).toBe(1);
    } finally {
      for (const replica of replicas) await replica[Symbol.asyncDispose]();
    }
  });

  test("replicas share the last block until each of its VNIs is somebody's", async () => {
    const url = await postgres.database();
    const settings = { ranges: [{ first: 100, last: 399 }] };
    const replicas = await Promise.all(
      Array.from({ length: 3 }, () => openVnisInPostgres(url, { settings })),
    );
    try {
      const all = await Promise.all(
        Array.from({ length: 300 }, (_, at) =>
          replicas[at % 3]!.vnis.allocate(wishOf(`channel/${at}`)),
        ),
      );
      const vnis = all.map(({ vni }) => vni).toSorted((a, b) => a - b);
      expect(vnis).toEqual(Array.from({ length: 300 }, (_, at) => 100 + at));
      const more = replicas[1]!.vnis.allocate(wishOf("one more"));
      await expect(more).rejects.toThrow(/all 300 are used or quarantined/);
    } finally {
      for (const replica of replicas) await replica[Symbol.asyncDispose]();
    }
  });

  test("a quota holds over all replicas, however many ask at once", async () => {
    const url = await postgres.database();
    const settings = { tenants: { acme: { quota: 50 } } };
    const replicas = await Promise.all(
      Array.from({ length: 3 }, () => openVnisInPostgres(url, { settings })),
    );
    try {
      const asked = Array.from({ length: 90 }, (_, at) =>
        replicas[at % 3]!.vnis.allocate(wishOf(`channel/${at}`)),
      );
      const settled = await Promise.allSettled(asked);
      expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
      const [{ vnis }] = replicas as [OpenVnis];
      expect(await vnis.list({ after: 0, limit: 1_000 })).toHaveLength(50);
    } finally {
      for (const replica of replicas) await replica[Symbol.asyncDispose]();
    }
  });

  test("two nodes that confirm at once leave nothing behind", async () => {
    const url = await postgres.database();
    await using open = await openVnisInPostgres(url);
    const { vnis } = open;
    const wishes = wishesOf(300);
    await vnis.allocateAll(wishes);
    await Promise.all(wishes.map(({ owner }) => vnis.release(owner, ["a", "b", "c"])));
    await Promise.all(["a", "b", "c"].map((node) => vnis.confirm(node, new Set())));
    expect(await vnis.quarantined({ after: 0, limit: 1_000 })).toEqual([]);
  });
});

const refusal = (error: unknown): string => (error as VniRefusedError).message;
const everybody = async (vnis: Vnis) => new Set((await all(vnis)).map(({ owner }) => owner));
const all = (vnis: Vnis) => vnis.list({ after: 0, limit: 10_000 });
const waiting = (vnis: Vnis) => vnis.quarantined({ after: 0, limit: 10_000 });

function contract(newPlace: () => Promise<Place>): void {
  test("who has not confirmed is known by name, until nothing waits for them", async () => {
    await using open = await (await newPlace()).open();
    const { vnis } = open;
    expect(await vnis.awaitedNodes()).toEqual([]);
    await vnis.allocateAll(wishesOf(3));
    await vnis.release("channel/0", ["node-b", "node-a"]);
    await vnis.release("channel/1", ["node-b", "node-c"]);
    expect(await vnis.awaitedNodes()).toEqual(["node-a", "node-b", "node-c"]);
    const counts = ["node-a", "node-b", "node-d"].map((node) => vnis.countAwaiting(node));
    expect(await Promise.all(counts)).toEqual([1, 2, 0]);
    await vnis.confirm("node-b", new Set());
    expect(await vnis.awaitedNodes()).toEqual(["node-a", "node-c"]);
  });

  test("an owner has one VNI, the same after it was opened again, with the networks of it", async () => {
    const place = await newPlace();
    let first;
    {
      await using open = await place.open();
      first = await open.vnis.allocate(wishOf("channel/a", { ipv4: true }));
      expect(await open.vnis.allocate(wishOf("channel/a", { ipv4: true }))).toEqual(first);
      expect(first).toMatchObject({ owner: "channel/a", tenant: "acme", ipv4: "10.64.0.0/24" });
      expect(first.ipv6).toMatch(/^fd[0-9a-f:]+::\/64$/);
    }
    await using open = await place.open();
    const { vnis } = open;
    expect(await vnis.of("channel/a")).toEqual(first);
    expect(await vnis.of("channel/b")).toBeUndefined();
    const second = await vnis.allocate(wishOf("channel/b", { ipv4: true }));
    expect(second.vni).not.toBe(first.vni);
    expect(second).toMatchObject({ ipv4: "10.64.1.0/24" });
    expect(await all(vnis)).toEqual([first, second].toSorted((a, b) => a.vni - b.vni));
    expect(await vnis.list({ after: 0, limit: 1 })).toHaveLength(1);
    await expect(vnis.list({ after: 0, limit: 10_001 })).rejects.toThrow(/10001 behind 0/);
  });

  test("who asks for a subnet later gets it with the VNI that it has", async () => {
    await using open = await (await newPlace()).open();
    const { vnis } = open;
    const { vni, ipv4 } = await vnis.allocate(wishOf("channel/a"));
    expect(ipv4).toBeUndefined();
    const later = await vnis.allocate(wishOf("channel/a", { ipv4: true }));
    expect(later).toMatchObject({ vni, ipv4: "10.64.0.0/24" });
    expect(await vnis.allocate(wishOf("channel/a"))).toEqual(later);
  });

  test("many at once are answered in their order, and each VNI is given once", async () => {
    await using open = await (await newPlace()).open();
    const { vnis } = open;
    const wishes = wishesOf(6_000);
    const [forwards, backwards] = await Promise.all([
      vnis.allocateAll(wishes),
      vnis.allocateAll(wishes.toReversed()),
    ]);
    expect(forwards.map(({ owner }) => owner)).toEqual(wishes.map(({ owner }) => owner));
    expect(backwards.toReversed()).toEqual(forwards);
    expect(new Set(forwards.map(({ vni }) => vni)).size).toBe(6_000);
  });

  test("a range gives all that it has and no more, and what it says tells why", async () => {
    await using open = await (
      await newPlace()
    ).open({ settings: { ranges: [{ first: 4_090, last: 4_100 }] } });
    const { vnis } = open;
    const given = await vnis.allocateAll(wishesOf(11));
    expect(given.map(({ vni }) => vni).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 11 }, (_, at) => 4_090 + at),
    );
    const problem = await vnis.allocate(wishOf("more")).catch(refusal);
    expect(problem).toBe(
      "VNI for more: got a range (everybody) of which all 11 are used or quarantined, expected one that is free",
    );
    // Who has one already is not refused.
    expect(await vnis.allocate(wishOf("channel/3"))).toEqual(given[3]);
    await vnis.release("channel/3", []);
    expect((await vnis.allocate(wishOf("more"))).vni).toBe(given[3]!.vni);
  });

  test("tenants, sites and regions have ranges of their own, within those of others", async () => {
    const ranges = [
      { first: 1, last: 1_000 },
      { first: 101, last: 200, region: "eu" },
      { first: 111, last: 120, region: "eu", site: "fra" },
      { first: 116, last: 117, region: "eu", site: "fra", tenant: "acme" },
    ];
    await using open = await (await newPlace()).open({ settings: { ranges } });
    const { vnis } = open;
    const vniOf = async (owner: string, more: object) =>
      (await vnis.allocate(wishOf(owner, { tenant: "other", ...more }))).vni;
    expect(await vniOf("anywhere", {})).toBe(1);
    expect(await vniOf("europe", { region: "eu" })).toBe(101);
    expect(await vniOf("another site", { region: "eu", site: "ham" })).toBe(102);
    expect(await vniOf("frankfurt", { region: "eu", site: "fra" })).toBe(111);
    const acme = { region: "eu", site: "fra", tenant: "acme" };
    expect(await vniOf("acme 1", acme)).toBe(116);
    expect(await vniOf("acme 2", acme)).toBe(117);
    await expect(vniOf("acme 3", acme)).rejects.toThrow(/tenant acme, site fra, region eu/);
    const others = await vnis.allocateAll(wishesOf(7, { ...acme, tenant: "other" }));
    expect(others.map(({ vni }) => vni)).toEqual([112, 113, 114, 115, 118, 119, 120]);
  });

  test("a wish for which there is no range is refused in words", async () => {
    const settings = { ranges: [{ first: 1, last: 10, tenant: "other" }] };
    await using open = await (await newPlace()).open({ settings });
    const { vnis } = open;
    const problem = await vnis.allocate(wishOf("a", { site: "fra" })).catch(refusal);
    expect(problem).toBe(
      "VNI for a: got tenant acme, region none and site fra, expected some for which there is a range",
    );
    for (const owner of ["", "x".repeat(257), "a\u0000b"])
      await expect(vnis.allocate(wishOf(owner))).rejects.toThrow(/expected 1 to 256 characters/);
  });

  test("a quota counts what a tenant has, and not what it gave back", async () => {
    const place = await newPlace();
    const settings = { tenants: { acme: { quota: 3 } } };
    {
      await using open = await place.open({ settings });
      const { vnis } = open;
      await vnis.allocateAll(wishesOf(3));
      const problem = await vnis.allocate(wishOf("more")).catch(refusal);
      expect(problem).toMatch(/^VNI: got 1 more than the quota of acme \(3\) lets be/);
      expect(await vnis.of("more")).toBeUndefined();
      await vnis.allocate(wishOf("of another", { tenant: "other" }));
      expect((await vnis.allocate(wishOf("channel/1"))).owner).toBe("channel/1");
      await vnis.release("channel/1", ["node-1"]);
      await vnis.allocate(wishOf("more"));
      await expect(vnis.allocate(wishOf("channel/1"))).rejects.toThrow(/quota/);
      expect(await vnis.quotas()).toEqual([{ tenant: "acme", quota: 3, used: 3 }]);
    }
    // It is lowered, and what is there stays.
    const lowered = { tenants: { acme: { quota: 1 } } };
    await using open = await place.open({ settings: lowered });
    const { vnis } = open;
    expect(await all(vnis)).toHaveLength(4);
    expect(await vnis.quotas()).toEqual([{ tenant: "acme", quota: 1, used: 3 }]);
    for (const owner of ["channel/0", "channel/2"]) {
      await expect(vnis.allocate(wishOf("too many"))).rejects.toThrow(/quota of acme \(1\)/);
      await vnis.release(owner, []);
    }
    await expect(vnis.allocate(wishOf("too many"))).rejects.toThrow(/quota of acme \(1\)/);
    await vnis.release("more", []);
    await vnis.allocate(wishOf("one"));
    await expect(vnis.allocate(wishOf("two"))).rejects.toThrow(/quota of acme \(1\)/);
  });

  test("an owner belongs to one tenant", async () => {
    await using open = await (await newPlace()).open();
    const { vnis } = open;
    await vnis.allocate(wishOf("channel/a"));
    const other = vnis.allocate(wishOf("channel/a", { tenant: "other" }));
    await expect(other).rejects.toThrow(/got tenant other, expected acme/);
  });

  test("what was released is nobody's until each node has confirmed, and then anybody's", async () => {
    await using open = await (
      await newPlace()
    ).open({ settings: { ranges: [{ first: 7, last: 8 }] } });
    const { vnis } = open;
    const [a] = await vnis.allocateAll([wishOf("a", { ipv4: true }), wishOf("b")]);
    await vnis.release("a", ["node-1", "node-2"]);
    await vnis.release("a", ["node-3"]);
    await vnis.release("nobody", ["node-1"]);
    expect(await vnis.of("a")).toBeUndefined();
    expect(await waiting(vnis)).toEqual([
      { vni: a!.vni, formerOwner: "a", nodes: ["node-1", "node-2"] },
    ]);
    const again = () => vnis.allocate(wishOf("c", { ipv4: true }));
    await expect(again()).rejects.toThrow(/used or quarantined/);
    await vnis.confirm("node-1", new Set());
    await vnis.confirm("node-2", new Set([a!.vni]));
    await vnis.confirm("node-3", new Set());
    await expect(again()).rejects.toThrow(/used or quarantined/);
    await vnis.confirm("node-2", new Set([99]));
    expect(await waiting(vnis)).toEqual([]);
    expect(await again()).toMatchObject({ vni: a!.vni });
  });

  test("pools of IPv4 give all that they have; who cannot have a subnet has nothing", async () => {
    const settings = {
      ipv4: { pools: ["10.1.0.0/23", "10.9.0.0/24"] },
      tenants: { own: { ipv4: { pools: ["10.1.0.0/22"], prefix: 25 } } },
    };
    await using open = await (await newPlace()).open({ settings });
    const { vnis } = open;
    const given = await vnis.allocateAll(wishesOf(3, { ipv4: true }));
    expect(given.map(({ ipv4 }) => ipv4).toSorted()).toEqual([
      "10.1.0.0/24",
      "10.1.1.0/24",
      "10.9.0.0/24",
    ]);
    await expect(vnis.allocate(wishOf("more", { ipv4: true }))).rejects.toThrow(
      /each \/24 is used or quarantined/,
    );
    expect(await vnis.of("more")).toBeUndefined();
    // A pool that overlaps the others gives what they have not given.
    const own = { tenant: "own", ipv4: true };
    const others = await vnis.allocateAll([0, 1, 2, 3].map((at) => wishOf(`own/${at}`, own)));
    expect(others.map(({ ipv4 }) => ipv4).toSorted()).toEqual([
      "10.1.2.0/25",
      "10.1.2.128/25",
      "10.1.3.0/25",
      "10.1.3.128/25",
    ]);
    await expect(vnis.allocate(wishOf("own/4", own))).rejects.toThrow(/each \/25/);
    await vnis.release(given[1]!.owner, []);
    expect(await vnis.allocate(wishOf("own/4", own))).toMatchObject({
      ipv4: `${given[1]!.ipv4!.slice(0, -"0/24".length)}0/25`,
    });
  });

  test("the formula gives those who wish it a subnet by the VNI, the same one for each 65,536th", async () => {
    const settings = {
      ranges: [
        { first: 70_000, last: 70_000, tenant: "one" },
        { first: 135_536, last: 135_536, tenant: "two" },
        { first: 70_001, last: 70_001, tenant: "three" },
      ],
      ipv4: { formula: true, isolatedNamespaces: true },
    };
    await using open = await (await newPlace()).open({ settings });
    const { vnis } = open;
    const one = await vnis.allocate(wishOf("a", { tenant: "one", ipv4: true }));
    const two = await vnis.allocate(wishOf("b", { tenant: "two", ipv4: true }));
    expect([one.ipv4, two.ipv4]).toEqual(["10.17.112.0/24", "10.17.112.0/24"]);
    expect(one.ipv6).toMatch(/1:1170::\/64$/);
    expect(two.ipv6).toMatch(/2:1170::\/64$/);
    const three = await vnis.allocate(wishOf("c", { tenant: "three", ipv4: false }));
    expect(three.ipv4).toBeUndefined();
  });

  test("what is found on nodes is written down, and what cannot be is told", async () => {
    await using open = await (
      await newPlace()
    ).open({ settings: { tenants: { small: { quota: 0 } } } });
    const { vnis } = open;
    const [a, b] = await vnis.allocateAll([wishOf("a"), wishOf("b")]);
    await vnis.release("b", ["node-1"]);
    const seen = [
      { node: "node-1", vni: 500, owner: "found" },
      { node: "node-2", vni: 500, owner: "found" },
      { node: "node-3", vni: 500, owner: "found too" },
      { node: "node-1", vni: a!.vni, owner: "a" },
      { node: "node-1", vni: 501, owner: "a" },
      { node: "node-2", vni: a!.vni, owner: "thief" },
      { node: "node-2", vni: b!.vni, owner: "b" },
      { node: "node-2", vni: 16_777_215, owner: "beyond" },
      { node: "node-2", vni: 502, owner: "of small", tenant: "small" },
    ];
    const wished = async () => new Set(["a", "found"]);
    const { imported, conflicts, leaked } = await vnis.reconcile(seen, wished);
    expect(imported).toEqual([seen[0]]);
    expect(leaked).toEqual([]);
    expect(conflicts.map(({ problem }) => problem).toSorted()).toEqual(
      [
        `got a with VNI 501, expected ${a!.vni}, which belongs to it`,
        "got VNI 16777215, expected 1 to 16777214",
        "got found too with VNI 500, which belongs to found",
        "got of small with VNI 502, which is more than the quota of small",
        `got thief with VNI ${a!.vni}, which belongs to a`,
      ].toSorted(),
    );
    expect(await vnis.of("found")).toMatchObject({ vni: 500, tenant: "" });
    expect(await vnis.allocate(wishOf("found"))).toMatchObject({ vni: 500 });
    // It was not known that this node had it.
    expect(await waiting(vnis)).toEqual([
      { vni: b!.vni, formerOwner: "b", nodes: ["node-1", "node-2"] },
    ]);
    expect(await vnis.reconcile(seen, wished)).toMatchObject({ imported: [], leaked: [] });
  });

  test("what nobody wishes is released, until the nodes confirm on which it was seen", async () => {
    await using open = await (await newPlace()).open();
    const { vnis } = open;
    const [a, b, c] = await vnis.allocateAll(["a", "b", "c"].map((owner) => wishOf(owner)));
    const seen = [{ node: "node-1", vni: a!.vni, owner: "a" }];
    const { leaked } = await vnis.reconcile(seen, async () => new Set(["b"]));
    expect(leaked).toEqual(
      [a!, c!].map(({ owner, vni }) => ({ owner, vni })).toSorted((x, y) => x.vni - y.vni),
    );
    expect(await all(vnis)).toEqual([b]);
    expect(await waiting(vnis)).toEqual([{ vni: a!.vni, formerOwner: "a", nodes: ["node-1"] }]);
  });

  test("what is wished while it is looked at is not taken for leaked", async () => {
    await using open = await (await newPlace()).open();
    const { vnis } = open;
    const wished = new Set<string>();
    const wish = async (owner: string) => {
      wished.add(owner);
      await vnis.allocate(wishOf(owner));
    };
    await Promise.all([
      ...Array.from({ length: 50 }, (_, at) => wish(`channel/${at}`)),
      ...Array.from({ length: 5 }, () => vnis.reconcile([], async () => new Set(wished))),
    ]);
    expect(await everybody(vnis)).toEqual(wished);
  });

  test("numbers that were leased and never used come back after a crash", async () => {
    const place = await newPlace();
    const settings = { ranges: [{ first: 1, last: 10_000 }] };
    {
      const open = await place.open({ settings });
      await open.vnis.allocateAll(wishesOf(10));
      // It has a block, and is gone without giving it back.
      await open.database[Symbol.asyncDispose]();
    }
    await using open = await place.open({ settings });
    const { vnis } = open;
    const given = await vnis.allocateAll(wishesOf(10_000));
    expect(new Set(given.map(({ vni }) => vni)).size).toBe(10_000);
    await expect(vnis.allocate(wishOf("more"))).rejects.toThrow(/all 10000 are used/);
  });

  test("blocks that are taken for used up and are not come back by reconciling", async () => {
    const place = await newPlace();
    {
      await using open = await place.open();
      await open.vnis.allocateAll(wishesOf(100));
      // As a replica leaves it that is killed before it wrote what it had taken.
      await open.database.run("UPDATE vni_blocks SET used_up = 1");
    }
    await using open = await place.open();
    const { vnis, database } = open;
    const wished = () => everybody(vnis);
    expect(await vnis.reconcile([], wished)).toMatchObject({ blocksReturned: 4_096, leaked: [] });
    expect(await vnis.reconcile([], wished)).toMatchObject({ blocksReturned: 0 });
    expect(await database.all("SELECT 1 FROM vni_blocks WHERE used_up = 1")).toEqual([]);
  });
}

import fc from "fast-check";
import { expect, test } from "vitest";

import type { Verdict, WidePurge } from "./purges.ts";
import { Purges } from "./purges.ts";

const keys = ["/live/a/1.m4s", "/live/a/2.m4s", "/live/b/1.m4s", "/page"];
const tags = ["a", "b", "c"];
const purge: fc.Arbitrary<WidePurge> = fc.record({
  target: fc.oneof(
    fc.constant("everything" as const),
    fc.record({ tag: fc.constantFrom(...tags) }),
    fc.record({ prefix: fc.constantFrom("/", "/live/a", "/live/a/1", "/p", "/none") }),
  ),
  isSoft: fc.boolean(),
});

function isMeant({ target }: WidePurge, key: string, tags: readonly string[]): boolean {
  if (target === "everything") return true;
  return "tag" in target ? tags.includes(target.tag) : key.startsWith(target.prefix);
}

test("the verdict is that of looking at each purge since", () => {
  fc.assert(
    fc.property(
      fc.array(purge, { maxLength: 20 }),
      fc.constantFrom(...keys),
      fc.subarray(tags),
      fc.nat(20),
      (all, key, tags, since) => {
        const purges = new Purges();
        for (const each of all) purges.add(each);
        const later = all.slice(since).filter((each) => isMeant(each, key, tags));
        const expected: Verdict = later.some(({ isSoft }) => !isSoft)
          ? "gone"
          : later.length > 0
            ? "soft"
            : "alive";
        expect(purges.verdict(key, tags, Math.min(since, purges.last))).toBe(expected);
      },
    ),
  );
});

test("of more tags than it remembers, the oldest purges are made purges of everything", () => {
  const purges = new Purges();
  for (let at = 0; at < 10_001; at++) purges.add({ target: { tag: `t${at}` }, isSoft: false });
  expect(purges.verdict("/x", [], 0)).toBe("gone");
  expect(purges.verdict("/x", [], 1)).toBe("alive");
  expect(purges.verdict("/x", ["t1"], 1)).toBe("gone");
});

test("purges that are told again by their numbers say the same", () => {
  fc.assert(
    fc.property(fc.array(purge, { minLength: 1, maxLength: 30 }), (all) => {
      const purges = new Purges();
      for (const each of all) purges.add(each);
      const again = new Purges();
      for (const { number, ...each } of purges.all()) again.add(each, number);
      expect([again.last, again.lastOfTags <= purges.lastOfTags]).toEqual([purges.last, true]);
      for (const key of keys)
        for (let since = 0; since <= all.length; since++)
          expect(again.verdict(key, tags, since)).toBe(purges.verdict(key, tags, since));
    }),
  );
});

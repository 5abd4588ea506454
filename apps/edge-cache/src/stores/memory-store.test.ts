import fc from "fast-check";
import { expect, test } from "vitest";

import { Fields } from "../core/http/fields.ts";
import type { WidePurge } from "../core/purges.ts";
import { Purges } from "../core/purges.ts";
import { MemoryStore } from "./memory-store.ts";
import type { StoredResponse } from "./store.ts";

const object = (size: number, tags: string[] = [], variant = ""): StoredResponse => ({
  status: 200,
  fields: new Fields([]),
  selecting: new Map(variant === "" ? [] : [["accept", variant]]),
  policy: {
    lifetimeMs: 0,
    noCache: false,
    mustRevalidate: false,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: undefined,
  },
  bornMs: 0,
  body: Buffer.alloc(size),
  part: undefined,
  tags,
  since: 0,
});

function startStore(maxBytes: number, evicted = () => {}) {
  const purges = new Purges();
  const store = new MemoryStore(maxBytes, { purges, nowMs: () => 0, evicted });
  const purge = (target: WidePurge["target"], isSoft = false) => {
    const purge = { target, isSoft };
    purges.add(purge);
    return store.purged(purge);
  };
  const set = (key: string, response: StoredResponse) =>
    store.set(key, { ...response, since: purges.last });
  return { store, purge, set };
}

test("never holds more than it may, and what is purged is there no more, whatever is stored, used and purged", async () => {
  const command = fc.record({
    key: fc.integer({ min: 0, max: 9 }).map((number) => `/${number % 2}/${number}`),
    size: fc.integer({ min: 0, max: 4_000 }),
    tag: fc.constantFrom("a", "b"),
    what: fc.constantFrom("set", "get", "remove", "tag", "prefix"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const { store, purge, set } = startStore(8_000);
      const tagOf = new Map<string, string>();
      for (const { key, size, tag, what } of commands) {
        if (what === "set" && set(key, object(size, [tag]))) tagOf.set(key, tag);
        if (what === "get") store.get(key);
        if (what === "remove") store.remove(key);
        expect(store.bytes).toBeLessThanOrEqual(8_000);
        const isMeant = (key: string) =>
          what === "tag" ? tagOf.get(key) === tag : key.startsWith("/1");
        if (what !== "tag" && what !== "prefix") continue;
        const meant = [...tagOf.keys()].filter((key) => store.get(key).length > 0 && isMeant(key));
        const hit = await purge(what === "tag" ? { tag } : { prefix: "/1" });
        // Of a prefix, what another purge's look has found first is not counted.
        if (what === "tag") expect(hit.objects).toBe(meant.length);
        else expect(hit.objects).toBeLessThanOrEqual(meant.length);
        for (const key of meant) expect(store.get(key)).toEqual([]);
        expect((await purge(what === "tag" ? { tag } : { prefix: "/1" })).objects).toBe(0);
      }
      await purge("everything");
      expect([store.objects, store.bytes]).toEqual([0, 0]);
    }),
  );
});

test("when there is no room, what nobody asked for goes first, and is told", () => {
  let evicted = 0;
  const { store } = startStore(4_000, () => evicted++);
  const [a, b, c] = [object(1_000), object(1_000), object(1_000)];
  store.set("a", a);
  store.set("b", b);
  for (let times = 0; times < 2; times++) store.get("a");
  store.set("c", c);
  expect([evicted, store.get("b")]).toEqual([1, []]);
  expect(store.get("a")).toEqual([a]);
  expect(store.set("huge", object(5_000))).toBe(false);
});

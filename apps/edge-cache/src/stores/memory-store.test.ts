import fc from "fast-check";
import { expect, test } from "vitest";

import { MemoryStore } from "./memory-store.ts";
import type { StoredObject } from "./store.ts";

const object = (size: number, tags: string[] = []): StoredObject => ({
  status: 200,
  contentType: "",
  cacheControl: undefined,
  etag: undefined,
  body: Buffer.alloc(size),
  tags,
  storedMs: 0,
  freshUntilMs: 0,
});

test("never holds more than it may, whatever is stored, used and purged", () => {
  const command = fc.record({
    key: fc.integer({ min: 0, max: 9 }).map(String),
    size: fc.integer({ min: 0, max: 4_000 }),
    tag: fc.constantFrom("a", "b"),
    what: fc.constantFrom("set", "get", "purgeKey", "purgeTag"),
  });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const store = new MemoryStore(8_000);
      for (const { key, size, tag, what } of commands) {
        if (what === "set") store.set(key, object(size, [tag]));
        if (what === "get") store.get(key);
        if (what === "purgeKey") store.purgeKey(key);
        if (what === "purgeTag") store.purgeTag(tag);
        expect(store.bytes).toBeLessThanOrEqual(8_000);
        if (what === "purgeTag") expect(store.purgeTag(tag)).toEqual({ objects: 0, bytes: 0 });
      }
      store.purgeAll();
      expect([store.objects, store.bytes]).toEqual([0, 0]);
    }),
  );
});

test("what was used least lately goes first, and is told", () => {
  const evicted: StoredObject[] = [];
  const store = new MemoryStore(4_000, (victim) => evicted.push(victim));
  const [a, b, c] = [object(1_000), object(1_000), object(1_000)];
  store.set("a", a);
  store.set("b", b);
  store.get("a");
  store.set("c", c);
  expect(evicted).toEqual([b]);
  expect(store.get("a")).toBe(a);
  expect(store.set("huge", object(5_000))).toBe(false);
});

test("purging a tag forgets its objects and no others", () => {
  const store = new MemoryStore(100_000);
  store.set("x", object(10, ["channel:a"]));
  store.set("y", object(10, ["channel:a", "other"]));
  store.set("z", object(10, ["channel:b"]));
  expect(store.purgeTag("channel:a").objects).toBe(2);
  expect(store.objects).toBe(1);
  expect(store.purgeTag("other").objects).toBe(0);
});

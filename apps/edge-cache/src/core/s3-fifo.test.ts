import fc from "fast-check";
import { expect, test } from "vitest";

import type { Entry } from "./s3-fifo.ts";
import { S3Fifo } from "./s3-fifo.ts";

const MAX_BYTES = 1_000;

function startPolicy() {
  const fifo = new S3Fifo<Entry>(MAX_BYTES);
  return {
    fifo,
    used: (key: string) => fifo.used(fifo.get(key)!),
    add: (key: string, bytes: number) => fifo.add(key, { bytes, uses: 0 }).map(([gone]) => gone),
  };
}

test("never holds more than it may, and says of each object that goes that it goes", () => {
  const command = fc.record({
    key: fc.integer({ min: 0, max: 40 }).map(String),
    bytes: fc.integer({ min: 1, max: 400 }),
    isRemoved: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const policy = startPolicy();
      const held = new Map<string, number>();
      for (const { key, bytes, isRemoved } of commands) {
        if (held.has(key) && isRemoved) {
          policy.fifo.remove(key);
          held.delete(key);
        } else if (held.has(key) && bytes < 200) policy.used(key);
        else {
          held.delete(key);
          for (const gone of policy.add(key, bytes)) expect(held.delete(gone)).toBe(true);
          held.set(key, bytes);
        }
        expect(policy.fifo.bytes).toBe([...held.values()].reduce((sum, each) => sum + each, 0));
        expect([policy.fifo.size, [...policy.fifo.keys()].toSorted()]).toEqual([
          held.size,
          [...held.keys()].toSorted(),
        ]);
        expect(policy.fifo.bytes).toBeLessThanOrEqual(MAX_BYTES);
      }
    }),
  );
});

test("what everybody asks for outlives a scan over what nobody asks for twice", () => {
  const policy = startPolicy();
  const gone = new Set<string>();
  const add = (key: string) => policy.add(key, 10).forEach((each) => gone.add(each));
  for (let at = 0; at < 50; at++) add(`popular-${at}`);
  for (let times = 0; times < 2; times++)
    for (let at = 0; at < 50; at++) policy.used(`popular-${at}`);
  for (let at = 0; at < 1_000; at++) add(`scan-${at}`);
  expect([...gone].filter((key) => key.startsWith("popular"))).toEqual([]);
});

test("what comes back soon after it left stays longer", () => {
  const policy = startPolicy();
  for (let at = 0; at < 100; at++) policy.add(`a-${at}`, 10);
  const gone = policy.add("b", 10);
  expect(gone).toEqual(["a-0"]);
  policy.add("a-0", 10);
  const later = Array.from({ length: 80 }, (_, at) => policy.add(`c-${at}`, 10)).flat();
  expect(later).not.toContain("a-0");
});

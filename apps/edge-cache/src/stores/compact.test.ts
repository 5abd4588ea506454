import { expect, test } from "vitest";

import { Compactor } from "./compact.ts";
import { response } from "./disk/disk.testing.ts";
import { Slabs } from "./slabs.ts";

test("what says the same is one object, and a body holds nothing but its bytes", () => {
  const compactor = new Compactor(new Slabs(() => {}));
  const large = Buffer.alloc(20_000, "xx-body-xx");
  const [one, two] = ["a", "b"].map((tag) =>
    compactor.compact("/a", response("", { body: large.subarray(3, 10_003), tags: [tag] })),
  );
  expect(one).toEqual(
    response("", { body: large.subarray(3, 10_003), bornMs: one!.bornMs, tags: ["a"] }),
  );
  expect(one!.policy).toBe(two!.policy);
  expect(one!.fields.lines[0]).toBe(two!.fields.lines[0]);
  expect(one!.body.buffer.byteLength).toBe(10_000);
  expect(compactor.compact("/a", one!).body).toBe(one!.body);
});

test("other policies and fields stay apart, however many there are", () => {
  const compactor = new Compactor(new Slabs(() => {}));
  for (let at = 0; at < 10_000; at++) {
    const policy = { ...response("").policy, lifetimeMs: at };
    expect(compactor.compact("/a", response("", { policy })).policy).toEqual(policy);
  }
  const { policy } = response("");
  const none = compactor.compact("/a", response("", { policy: { ...policy, staleIfErrorMs: 0 } }));
  const unsaid = compactor.compact("/a", response("", { policy }));
  expect([none.policy.staleIfErrorMs, unsaid.policy.staleIfErrorMs]).toEqual([0, undefined]);
});

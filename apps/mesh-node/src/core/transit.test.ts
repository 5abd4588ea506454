import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DataSchema } from "@glassline/proto/mesh";
import { CircuitSignal, FrameSchema } from "@glassline/proto/mesh";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { additionOf, passedOn, transitOf } from "./transit.ts";

const bytesOf = (value: MessageInitShape<typeof DataSchema>) =>
  Buffer.from(toBinary(FrameSchema, create(FrameSchema, { frame: { case: "data", value } })));

const frames = fc.record({
  circuit: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  source: fc.string({ unit: "grapheme", maxLength: 20 }),
  destination: fc.string({ unit: "grapheme", maxLength: 20 }),
  hopLimit: fc.integer({ min: 2, max: 255 }),
  signal: fc.constantFrom(CircuitSignal.OPEN, CircuitSignal.DATA, CircuitSignal.CLOSE),
  payload: fc.uint8Array({ maxLength: 400 }),
  path: fc.array(fc.string({ maxLength: 12 }), { maxLength: 5 }),
  keySources: fc.array(fc.constantFrom("x-wing", "sim"), { maxLength: 5 }),
});

describe("a frame in transit", () => {
  test("says where it goes, and is behind each node what decoding and encoding would make of it", () => {
    fc.assert(
      fc.property(frames, (data) => {
        const transit = transitOf(bytesOf(data))!;
        const { source, destination, circuit, hopLimit } = data;
        expect(transit).toMatchObject({ source, destination, circuit, hopLimit });
        const second = transitOf(passedOn(transit, additionOf("node-2", "x-wing")))!;
        const bytes = passedOn(second, additionOf("node-3", "qkd"));
        const { frame } = fromBinary(FrameSchema, new Uint8Array(bytes));
        expect(frame.value).toMatchObject({
          ...data,
          hopLimit: hopLimit - 2,
          path: [...data.path, "node-2", "node-3"],
          keySources: [...data.keySources, "x-wing", "qkd"],
        });
      }),
    );
  });

  test("is none with sampled reports, and none of another kind", () => {
    const data = { destination: "node-3", hopLimit: 9 };
    expect(transitOf(bytesOf(data))).toBeDefined();
    expect(transitOf(bytesOf({ ...data, hopContexts: [new Uint8Array(29)] }))).toBeUndefined();
    const hello = create(FrameSchema, { frame: { case: "hello", value: { seq: 7n } } });
    expect(transitOf(Buffer.from(toBinary(FrameSchema, hello)))).toBeUndefined();
  });

  test("whatever else comes is none, or says what a decoder says", () => {
    const decoded = (bytes: Buffer) => {
      try {
        return fromBinary(FrameSchema, bytes).frame.value;
      } catch {
        return undefined;
      }
    };
    const check = (bytes: Buffer) => {
      const transit = transitOf(bytes);
      const known = decoded(bytes);
      if (!transit || !known || !("destination" in known)) return;
      const { destination, source } = known;
      expect(transit).toMatchObject({ destination, source });
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => check(Buffer.from(bytes))));
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 255 }), (data, at, flip) => {
        const bytes = bytesOf(data);
        bytes[at % bytes.length]! ^= flip;
        check(bytes);
        transitOf(bytes.subarray(0, at % bytes.length));
      }),
    );
  });
});

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DataSchema } from "@glassline/proto/mesh";
import { CircuitSignal, FrameSchema } from "@glassline/proto/mesh";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { flowOf, passOn, transitOf } from "./transit.ts";

const bytesOf = (value: MessageInitShape<typeof DataSchema>) =>
  Buffer.from(toBinary(FrameSchema, create(FrameSchema, { frame: { case: "data", value } })));

const frames = fc.record({
  circuit: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  source: fc.string({ unit: "grapheme", maxLength: 20 }),
  destination: fc.string({ unit: "grapheme", maxLength: 20 }),
  hopLimit: fc.integer({ min: 3, max: 127 }),
  signal: fc.constantFrom(CircuitSignal.OPEN, CircuitSignal.DATA, CircuitSignal.CLOSE),
  payload: fc.uint8Array({ maxLength: 400 }),
});

describe("a frame in transit", () => {
  test("says where it goes, and is behind each node what decoding and encoding would make of it", () => {
    fc.assert(
      fc.property(frames, (data) => {
        const bytes = bytesOf(data);
        const { destination, circuit, hopLimit } = data;
        const transit = transitOf(bytes)!;
        expect(transit).toMatchObject({ destination, flow: flowOf(circuit), hopLimit });
        passOn(bytes, transit);
        passOn(bytes, transitOf(bytes)!);
        const { frame } = fromBinary(FrameSchema, new Uint8Array(bytes));
        expect(frame.value).toMatchObject({ ...data, hopLimit: hopLimit - 2 });
      }),
    );
  });

  test("is changed where a decoder looks, when its hop limit is there twice", () => {
    const twice = Buffer.from([0x1a, 4, 0x20, 9, 0x20, 7]);
    const transit = transitOf(twice)!;
    passOn(twice, transit);
    expect(fromBinary(FrameSchema, twice).frame.value).toMatchObject({ hopLimit: 6 });
  });

  test("is none with sampled reports, none whose way is recorded, and none of another kind", () => {
    const data = { destination: "node-3", hopLimit: 9 };
    expect(transitOf(bytesOf(data))).toBeDefined();
    expect(transitOf(bytesOf({ ...data, hopContexts: [new Uint8Array(29)] }))).toBeUndefined();
    expect(transitOf(bytesOf({ ...data, path: ["node-1"] }))).toBeUndefined();
    expect(transitOf(bytesOf({ ...data, hopLimit: 128 }))).toBeUndefined();
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
      const { destination, hopLimit } = known;
      expect(transit).toMatchObject({ destination, hopLimit });
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

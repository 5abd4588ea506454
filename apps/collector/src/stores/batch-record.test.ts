import { create, fromBinary } from "@bufbuild/protobuf";
import { LogRecordSchema } from "@glassline/proto/storage";
import fc from "fast-check";
import { expect, test } from "vitest";

import { encodeBatchRecord } from "./batch-record.ts";

test("a batch encoded by hand is what protobuf reads", () => {
  const seq = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) });
  const batch = fc.record({
    producer: fc.string({ unit: "binary" }),
    incarnation: fc.uint8Array({ maxLength: 20 }),
    seq,
    keySeq: seq,
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), batch, (receivedUnixNano, value) => {
      const read = fromBinary(LogRecordSchema, encodeBatchRecord(receivedUnixNano, value));
      const record = { case: "batch", value } as const;
      expect(read).toEqual(create(LogRecordSchema, { receivedUnixNano, record }));
    }),
  );
});

import { create, fromBinary } from "@bufbuild/protobuf";
import { QueryRangeResponseSchema } from "@glassline/proto/query";
import fc from "fast-check";
import { expect, test } from "vitest";

import { pointsOf } from "./points.testing.ts";
import { encodeRanges } from "./range-answer.ts";

test("a range is the message that it stands for", () => {
  const row = fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.double());
  const range = fc.record({
    rows: fc.array(row, { maxLength: 200 }),
    thinned: fc.boolean(),
    metric: fc.string(),
  });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 4 }), (ranges) => {
      const encoded = encodeRanges(
        ranges.map(({ rows, thinned, metric }) => ({
          about: { series: { metric }, thinned },
          points: pointsOf(rows),
        })),
        77n,
      );
      const series = ranges.map(({ rows, thinned, metric }) => ({
        series: { metric },
        timeUnixNano: rows.map(([time]) => time),
        value: rows.map(([, value]) => value),
        thinned,
      }));
      expect(fromBinary(QueryRangeResponseSchema, encoded)).toEqual(
        create(QueryRangeResponseSchema, { series, nowUnixNano: 77n }),
      );
    }),
  );
});

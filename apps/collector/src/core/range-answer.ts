/** Points of series as the bytes of a QueryRangeResponse: columns go out as they are in memory, little-endian as protobuf's. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { QueryRangeResponseSchema, SeriesRangeSchema } from "@glassline/proto/query";

import type { Points } from "./points.ts";
import { concat, field } from "./protobuf-fields.ts";

const RANGE = SeriesRangeSchema.field;
const ANSWER = QueryRangeResponseSchema.field;

export interface RangeOfSeries {
  /** All but its columns. */
  about: MessageInitShape<typeof SeriesRangeSchema>;
  points: Points;
}

export function encodeRanges(ranges: readonly RangeOfSeries[], nowUnixNano: bigint): Uint8Array {
  const now = create(QueryRangeResponseSchema, { nowUnixNano });
  return concat([
    ...ranges.map((range) => field(ANSWER.series.number, ...encodeRange(range))),
    toBinary(QueryRangeResponseSchema, now),
  ]);
}

function encodeRange({ about, points: { times, values, length } }: RangeOfSeries): Uint8Array[] {
  const head = toBinary(SeriesRangeSchema, create(SeriesRangeSchema, about));
  if (length === 0) return [head];
  return [
    head,
    field(RANGE.timeUnixNano.number, new Uint8Array(times.buffer, 0, 8 * length)),
    field(RANGE.value.number, new Uint8Array(values.buffer, 0, 8 * length)),
  ];
}

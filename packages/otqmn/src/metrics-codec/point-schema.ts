/** Which kinds of points OTLP's metrics have. */
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import {
  ExponentialHistogramDataPointSchema,
  HistogramDataPointSchema,
  NumberDataPointSchema,
  SummaryDataPointSchema,
} from "@glassline/proto/otlp/metrics";

import type { DataPoint } from "./layout.ts";

const SCHEMAS = {
  gauge: NumberDataPointSchema,
  sum: NumberDataPointSchema,
  histogram: HistogramDataPointSchema,
  exponentialHistogram: ExponentialHistogramDataPointSchema,
  summary: SummaryDataPointSchema,
} as const;

/** The schema of the points of a kind of metric. */
export function pointSchemaOfKind(kind: keyof typeof SCHEMAS): GenMessage<DataPoint> {
  return SCHEMAS[kind] as unknown as GenMessage<DataPoint>;
}

export function pointSchemaOf({ $typeName }: DataPoint): GenMessage<DataPoint> {
  const found = Object.values(SCHEMAS).find(({ typeName }) => typeName === $typeName);
  return found as unknown as GenMessage<DataPoint>;
}

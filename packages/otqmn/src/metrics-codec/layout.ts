/**
 * A data point of OTLP as a template (all that repeats: attributes, bounds, quantiles, fields that are not known here) and
 * numbers. Which numbers there are depends on the point: its layout.
 */
import type { Message } from "@bufbuild/protobuf";
import type {
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  NumberDataPoint,
  SummaryDataPoint,
} from "@glassline/proto/otlp/metrics";

import { CodecError } from "../bytes.ts";
import type { ColumnDefinition } from "../stream-codec/series-definition.ts";

export type DataPoint =
  | NumberDataPoint
  | HistogramDataPoint
  | ExponentialHistogramDataPoint
  | SummaryDataPoint;

/** Which of a point's numbers a column is; those of one field are modelled together. */
const FIELD = {
  value: 0,
  start: 1,
  flags: 2,
  count: 3,
  sum: 4,
  min: 5,
  max: 6,
  bucket: 7,
  scale: 8,
  zeroCount: 9,
  zeroThreshold: 10,
  positiveOffset: 11,
  positiveBucket: 12,
  negativeOffset: 13,
  negativeBucket: 14,
  quantile: 15,
} as const;

type FieldName = keyof typeof FIELD;

/** One number of a point: how it is taken from it and put back, in 64 bits. */
interface Slot {
  field: FieldName;
  type: "int" | "float";
  get: () => bigint;
  set: (bits: bigint) => void;
}

const view = new DataView(new ArrayBuffer(8));

function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function floatOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/** A slot of a property that is a double. */
function float<K extends string>(
  target: { [name in K]?: number | undefined },
  name: K,
  field: FieldName,
): Slot {
  return {
    field,
    type: "float",
    get: () => bitsOf(target[name] ?? 0),
    set: (bits) => void (target[name] = floatOf(bits)),
  };
}

/** A slot of a property that is an unsigned or fixed 64-bit integer. */
function long<K extends string>(target: { [name in K]: bigint }, name: K, field: FieldName): Slot {
  return {
    field,
    type: "int",
    get: () => BigInt.asUintN(64, target[name]),
    set: (bits) => void (target[name] = bits),
  };
}

/** Smallest and largest of a 32-bit integer. */
type Range = readonly [least: bigint, most: bigint];
const SIGNED: Range = [-0x8000_0000n, 0x7fff_ffffn];
const UNSIGNED: Range = [0n, 0xffff_ffffn];

/** A slot of a property that is a 32-bit integer. Throws CodecError for what is none. */
function short<K extends string>(
  target: { [name in K]: number },
  name: K,
  field: FieldName,
  [least, most]: Range = SIGNED,
): Slot {
  return {
    field,
    type: "int",
    get: () => BigInt.asUintN(64, BigInt(target[name])),
    set: (bits) => {
      const whole = BigInt.asIntN(64, bits);
      if (whole < least || whole > most)
        throw new CodecError(`${field}: got ${whole}, expected ${least} to ${most}`);
      target[name] = Number(whole);
    },
  };
}

function longs(target: bigint[], field: FieldName): Slot[] {
  return target.map((_, index) => ({
    field,
    type: "int",
    get: () => target[index]!,
    set: (bits) => void (target[index] = bits),
  }));
}

function optionalFloats(point: HistogramDataPoint | ExponentialHistogramDataPoint): Slot[] {
  return (["sum", "min", "max"] as const)
    .filter((name) => point[name] !== undefined)
    .map((name) => float(point, name, name));
}

/** The numbers of a point that are there, in the order of their columns. The time of the point is none of them. */
export function slotsOf(point: DataPoint): Slot[] {
  const head = [
    long(point, "startTimeUnixNano", "start"),
    ...(point.flags === 0 ? [] : [short(point, "flags", "flags", UNSIGNED)]),
  ];
  switch (point.$typeName) {
    case "opentelemetry.proto.metrics.v1.NumberDataPoint":
      return [...valueOf(point), ...head];
    case "opentelemetry.proto.metrics.v1.HistogramDataPoint":
      return [
        long(point, "count", "count"),
        ...head,
        ...optionalFloats(point),
        ...longs(point.bucketCounts, "bucket"),
      ];
    case "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint":
      return [
        long(point, "count", "count"),
        ...head,
        ...optionalFloats(point),
        short(point, "scale", "scale"),
        long(point, "zeroCount", "zeroCount"),
        float(point, "zeroThreshold", "zeroThreshold"),
        ...bucketsOf(point.positive, "positiveOffset", "positiveBucket"),
        ...bucketsOf(point.negative, "negativeOffset", "negativeBucket"),
      ];
    case "opentelemetry.proto.metrics.v1.SummaryDataPoint":
      return [
        long(point, "count", "count"),
        ...head,
        float(point, "sum", "sum"),
        ...point.quantileValues.map((quantile) => float(quantile, "value", "quantile")),
      ];
  }
}

function valueOf({ value }: NumberDataPoint): Slot[] {
  if (value.case === "asInt")
    return [
      {
        field: "value",
        type: "int",
        get: () => BigInt.asUintN(64, value.value),
        set: (bits) => void (value.value = BigInt.asIntN(64, bits)),
      },
    ];
  if (value.case === undefined) return [];
  return [
    {
      field: "value",
      type: "float",
      get: () => bitsOf(value.value),
      set: (bits) => void (value.value = floatOf(bits)),
    },
  ];
}

function bucketsOf(
  buckets: { offset: number; bucketCounts: bigint[] } | undefined,
  offset: FieldName,
  bucket: FieldName,
): Slot[] {
  return buckets ? [short(buckets, "offset", offset), ...longs(buckets.bucketCounts, bucket)] : [];
}

export function columnsOf(slots: readonly Slot[]): ColumnDefinition[] {
  return slots.map(({ type, field }) => ({ type, field: FIELD[field] }));
}

/** The point with all its numbers at 0: what stays the same from one to the next. It has as many numbers as the point. */
export function clear<T extends DataPoint & Message>(point: T): T {
  const hasFlags = point.flags !== 0;
  for (const slot of slotsOf(point)) slot.set(0n);
  // Flags of 0 would not be there.
  if (hasFlags) point.flags = FLAGS_THERE;
  point.timeUnixNano = 0n;
  return point;
}

const FLAGS_THERE = 1;

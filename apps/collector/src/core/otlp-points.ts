/**
 * Points of cameras as OTLP: parts of an ExportMetricsServiceRequest, which joined in any number are one. Written by hand:
 * values keep every bit, also those of a NaN, and nothing is made for each point. Source: opentelemetry/proto/metrics/v1.
 */
import type { Series } from "@glassline/otqmn/sample";

import { ByteSink, fieldBytes } from "./byte-sink.ts";
import { concat, field, lengthOf, tagOf, textField } from "./protobuf-fields.ts";
import type { RecordPoints } from "./record-reader.ts";
import type { SeriesByNumber } from "./run-series.ts";

export interface PointsPart {
  /** ExportMetricsServiceRequest. */
  body: Uint8Array;
  points: number;
}

/** What of a series' points is always the same. */
interface SeriesCode {
  /** Equal for series of one metric. */
  metricKey: string;
  /** Metric.name and Metric.unit. */
  metricHead: Uint8Array;
  isCounter: boolean;
  /** A data point with its prefix; time and value are to be filled in. */
  point: Uint8Array;
  /** Where in the point the time stands; the value follows. */
  timeAt: number;
}

/** Points of one metric of one camera. */
interface Piece {
  code: SeriesCode;
  positions: number[];
  /** Of the points. */
  bytes: number;
}

type Facts = Readonly<Record<string, string>> | undefined;

const TAG = {
  resourceMetrics: tagOf(1, "bytes"),
  scopeMetrics: tagOf(2, "bytes"),
  metric: tagOf(2, "bytes"),
  gauge: tagOf(5, "bytes"),
  sum: tagOf(7, "bytes"),
  time: tagOf(3, "fixed64"),
  value: tagOf(4, "fixed64"),
};
/** Tag and time, tag and value. */
const NUMBER_BYTES = 18;
/** Sum: aggregation_temporality CUMULATIVE, is_monotonic. */
const COUNTER = Uint8Array.of(tagOf(2, "varint"), 2, tagOf(3, "varint"), 1);
const NOT_COUNTER = new Uint8Array(0);
const SCOPE = field(1, textField(1, "glassline.collector"));
/** Resources at hand; when there are more, all are made anew. */
const RESOURCES_MAX = 200_000;

export class PointsEncoder {
  readonly #codes = new WeakMap<SeriesByNumber, SeriesCode[]>();
  readonly #resources = new Map<string, { facts: Facts; bytes: Uint8Array }>();

  /**
   * @param factsOf attributes of a camera's resource, beside camera.id: another object when they have changed.
   * @param partMaxBytes about the size at which a part ends.
   */
  *encode(
    points: RecordPoints,
    factsOf: (cameraId: string) => Facts,
    partMaxBytes: number,
  ): Generator<PointsPart> {
    const codes = this.#codesOf(points);
    const sink = new ByteSink(Math.min(partMaxBytes, 64 * points.column.length));
    let count = 0;
    for (const { cameraId, pieces } of piecesByCamera(points, codes, partMaxBytes)) {
      const resource = this.#resource(cameraId, factsOf(cameraId));
      for (const some of upTo(pieces, partMaxBytes)) {
        const bytes = some.reduce((sum, piece) => sum + piece.bytes, resource.length);
        if (count > 0 && sink.length + bytes > partMaxBytes) {
          yield { body: sink.take(), points: count };
          count = 0;
        }
        writeResource(sink, resource, some, points, codes);
        for (const { positions } of some) count += positions.length;
      }
    }
    if (count > 0) yield { body: sink.take(), points: count };
  }

  /** Codes by column, of those that points have. */
  #codesOf({ column, series }: RecordPoints): SeriesCode[] {
    let codes = this.#codes.get(series);
    if (!codes) this.#codes.set(series, (codes = []));
    for (const one of column) codes[one] ??= codeOf(series.at(one)!);
    return codes;
  }

  #resource(cameraId: string, facts: Facts): Uint8Array {
    const known = this.#resources.get(cameraId);
    if (known && known.facts === facts) return known.bytes;
    if (this.#resources.size >= RESOURCES_MAX) this.#resources.clear();
    const bytes = field(1, ...attributeFields(1, { ...facts, "camera.id": cameraId }));
    this.#resources.set(cameraId, { facts, bytes });
    return bytes;
  }
}

function codeOf({ metric, unit, kind, attributes }: Series): SeriesCode {
  const isCounter = kind === "counter";
  const numbers = new Uint8Array(NUMBER_BYTES);
  numbers[0] = TAG.time;
  numbers[NUMBER_BYTES / 2] = TAG.value;
  const parts = [numbers, ...attributeFields(7, attributes)];
  const point = field(1, ...parts);
  return {
    metricKey: JSON.stringify([metric, unit, isCounter]),
    metricHead: concat([textField(1, metric), textField(3, unit)]),
    isCounter,
    point,
    timeAt: point.length - lengthOf(parts) + 1,
  };
}

function attributeFields(
  number: number,
  attributes: Readonly<Record<string, string>>,
): Uint8Array[] {
  return Object.entries(attributes).map(([key, value]) =>
    // An empty text is a value, too: its field is written.
    field(number, textField(1, key), field(2, field(1, new TextEncoder().encode(value)))),
  );
}

/** Positions in order of arrival, by camera and metric; a metric with many points is several pieces. */
function piecesByCamera(
  { column, series }: RecordPoints,
  codes: readonly SeriesCode[],
  pieceMaxBytes: number,
): { cameraId: string; pieces: Piece[] }[] {
  const cameras = new Map<string, { pieces: Piece[]; open: Map<string, Piece> }>();
  const pieceOf: (Piece | undefined)[] = [];
  for (let position = 0; position < column.length; position++) {
    const one = column[position]!;
    const code = codes[one]!;
    let piece = pieceOf[one];
    if (!piece || piece.bytes > pieceMaxBytes) {
      const { cameraId } = series.at(one)!;
      let camera = cameras.get(cameraId);
      if (!camera) cameras.set(cameraId, (camera = { pieces: [], open: new Map() }));
      piece = camera.open.get(code.metricKey);
      if (!piece || piece.bytes > pieceMaxBytes) {
        piece = { code, positions: [], bytes: 0 };
        camera.open.set(code.metricKey, piece);
        camera.pieces.push(piece);
      }
      pieceOf[one] = piece;
    }
    piece.positions.push(position);
    piece.bytes += code.point.length;
  }
  return [...cameras].map(([cameraId, { pieces }]) => ({ cameraId, pieces }));
}

/** As many as fit; one that is too large stands alone. */
function* upTo(pieces: readonly Piece[], maxBytes: number): Generator<Piece[]> {
  let [some, bytes] = [[] as Piece[], 0];
  for (const piece of pieces) {
    const more = piece.code.metricHead.length + piece.bytes;
    if (some.length > 0 && bytes + more > maxBytes) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(piece);
    bytes += more;
  }
  if (some.length > 0) yield some;
}

/** ResourceMetrics. Lengths are reckoned first, so that everything is written once. */
function writeResource(
  sink: ByteSink,
  resource: Uint8Array,
  pieces: readonly Piece[],
  points: RecordPoints,
  codes: readonly SeriesCode[],
): void {
  let scopeBytes = SCOPE.length;
  for (const piece of pieces) scopeBytes += fieldBytes(metricBytes(piece));
  const bytes = resource.length + fieldBytes(scopeBytes);
  sink.reserve(fieldBytes(bytes));
  sink.prefix(TAG.resourceMetrics, bytes);
  sink.raw(resource);
  sink.prefix(TAG.scopeMetrics, scopeBytes);
  sink.raw(SCOPE);
  for (const piece of pieces) {
    const { metricHead, isCounter } = piece.code;
    sink.prefix(TAG.metric, metricBytes(piece));
    sink.raw(metricHead);
    sink.prefix(isCounter ? TAG.sum : TAG.gauge, dataBytes(piece));
    writePoints(sink, piece.positions, points, codes);
    sink.raw(isCounter ? COUNTER : NOT_COUNTER);
  }
}

const dataBytes = ({ code, bytes }: Piece) => bytes + (code.isCounter ? COUNTER.length : 0);
const metricBytes = (piece: Piece) => piece.code.metricHead.length + fieldBytes(dataBytes(piece));

function writePoints(
  sink: ByteSink,
  positions: readonly number[],
  { column, value, groupEnd, groupTime }: RecordPoints,
  codes: readonly SeriesCode[],
): void {
  // Machines that Node runs on keep numbers as protobuf writes them, the least byte first.
  const times = new Uint8Array(groupTime.buffer, groupTime.byteOffset);
  const values = new Uint8Array(value.buffer, value.byteOffset);
  let group = 0;
  for (const position of positions) {
    if (groupEnd[group]! <= position) group = groupOf(groupEnd, position);
    const { point, timeAt } = codes[column[position]!]!;
    sink.copy(point, 0, timeAt);
    sink.copy(times, group * 8, group * 8 + 8);
    sink.copy(point, timeAt + 8, timeAt + 9);
    sink.copy(values, position * 8, position * 8 + 8);
    sink.copy(point, timeAt + 17, point.length);
  }
}

/** The first group that ends behind the position. */
function groupOf(groupEnd: Uint32Array, position: number): number {
  let [least, most] = [0, groupEnd.length - 1];
  while (least < most) {
    const middle = (least + most) >>> 1;
    if (groupEnd[middle]! <= position) least = middle + 1;
    else most = middle;
  }
  return least;
}

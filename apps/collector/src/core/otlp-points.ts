/**
 * Points of cameras as OTLP: parts of an ExportMetricsServiceRequest, which joined in any number are one. Written by hand:
 * values keep every bit, also those of a NaN, and nothing is made for each point. Source: opentelemetry/proto/metrics/v1.
 */
import type { Series } from "@glassline/otqmn/sample";

import { concat, field, lengthOf, prefix, tagOf, textField } from "./protobuf-fields.ts";
import type { RecordPoints } from "./record-reader.ts";

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
}

type CodeOf = (series: Series) => SeriesCode;

/** Points of one metric of one camera. */
interface Piece {
  code: SeriesCode;
  positions: number[];
  bytes: number;
}

const TIME_TAG = tagOf(3, "fixed64");
const VALUE_TAG = tagOf(4, "fixed64");
/** Tag and time, tag and value. */
const NUMBER_BYTES = 18;
/** Sum: aggregation_temporality CUMULATIVE, is_monotonic. */
const COUNTER = Uint8Array.of(tagOf(2, "varint"), 2, tagOf(3, "varint"), 1);
const NOT_COUNTER = new Uint8Array(0);
const SCOPE = field(1, textField(1, "glassline.collector"));
/** Of the messages around a piece. */
const FRAMES_BYTES = 64;

export class PointsEncoder {
  readonly #codes = new WeakMap<Series, SeriesCode>();
  readonly #code: CodeOf = (series) => {
    const known = this.#codes.get(series);
    if (known) return known;
    const code = codeOf(series);
    this.#codes.set(series, code);
    return code;
  };

  /**
   * @param factsOf attributes of a camera's resource, beside camera.id.
   * @param partMaxBytes about the size at which a part ends.
   */
  *encode(
    points: RecordPoints,
    factsOf: (cameraId: string) => Readonly<Record<string, string>> | undefined,
    partMaxBytes: number,
  ): Generator<PointsPart> {
    const codes = points.series.length === 0 ? [] : codesOf(points, this.#code);
    let [bodies, bytes, count] = [[] as Uint8Array[], 0, 0];
    for (const { cameraId, pieces } of piecesByCamera(points, codes, partMaxBytes)) {
      const resource = resourceOf(cameraId, factsOf(cameraId));
      for (const some of upTo(pieces, partMaxBytes)) {
        const body = resourceMetrics(resource, some, points, codes);
        if (count > 0 && bytes + body.length > partMaxBytes) {
          yield { body: concat(bodies), points: count };
          [bodies, bytes, count] = [[], 0, 0];
        }
        bodies.push(body);
        bytes += body.length;
        for (const { positions } of some) count += positions.length;
      }
    }
    if (count > 0) yield { body: concat(bodies), points: count };
  }
}

/** Codes by column, of those that points have. */
function codesOf({ column, series }: RecordPoints, codeOfSeries: CodeOf): SeriesCode[] {
  const codes: SeriesCode[] = [];
  for (const one of column) codes[one] ??= codeOfSeries(series[one]!);
  return codes;
}

function codeOf({ metric, unit, kind, attributes }: Series): SeriesCode {
  const isCounter = kind === "counter";
  const numbers = new Uint8Array(NUMBER_BYTES);
  numbers[0] = TIME_TAG;
  numbers[NUMBER_BYTES / 2] = VALUE_TAG;
  return {
    metricKey: JSON.stringify([metric, unit, isCounter]),
    metricHead: concat([textField(1, metric), textField(3, unit)]),
    isCounter,
    point: field(1, numbers, ...attributeFields(7, attributes)),
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

function resourceOf(cameraId: string, facts: Readonly<Record<string, string>> = {}): Uint8Array {
  return field(1, ...attributeFields(1, { ...facts, "camera.id": cameraId }));
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
      const { cameraId } = series[one]!;
      let camera = cameras.get(cameraId);
      if (!camera) cameras.set(cameraId, (camera = { pieces: [], open: new Map() }));
      piece = camera.open.get(code.metricKey);
      if (!piece || piece.bytes > pieceMaxBytes) {
        piece = { code, positions: [], bytes: FRAMES_BYTES + code.metricHead.length };
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
    if (some.length > 0 && bytes + piece.bytes > maxBytes) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(piece);
    bytes += piece.bytes;
  }
  if (some.length > 0) yield some;
}

function resourceMetrics(
  resource: Uint8Array,
  pieces: readonly Piece[],
  points: RecordPoints,
  codes: readonly SeriesCode[],
): Uint8Array {
  const metrics = pieces.map(({ code, positions, bytes }) => {
    const data = writePoints(positions, points, codes, bytes);
    const trailer = code.isCounter ? COUNTER : NOT_COUNTER;
    return field(2, code.metricHead, field(code.isCounter ? 7 : 5, data, trailer));
  });
  const scope = prefix(2, SCOPE.length + lengthOf(metrics));
  return field(1, resource, scope, SCOPE, ...metrics);
}

function writePoints(
  positions: readonly number[],
  { column, value, groupEnd, groupTimeUnixNano }: RecordPoints,
  codes: readonly SeriesCode[],
  maxBytes: number,
): Uint8Array {
  const out = new Uint8Array(maxBytes);
  // Machines that Node runs on keep numbers as protobuf writes them, the least byte first.
  const times = new Uint8Array(groupTimeUnixNano.buffer, groupTimeUnixNano.byteOffset);
  const values = new Uint8Array(value.buffer, value.byteOffset);
  let [at, group] = [0, 0];
  for (const position of positions) {
    while (groupEnd[group]! <= position) group++;
    const one = codes[column[position]!]!;
    out.set(one.point, at);
    const numbersAt = at + numbersOffset(one.point);
    for (let byte = 0; byte < 8; byte++) {
      out[numbersAt + 1 + byte] = times[group * 8 + byte]!;
      out[numbersAt + 10 + byte] = values[position * 8 + byte]!;
    }
    at += one.point.length;
  }
  return out.subarray(0, at);
}

/** Behind the tag and the length of the point's field. */
function numbersOffset(point: Uint8Array): number {
  let at = 1;
  while (point[at]! >= 0x80) at++;
  return at + 1;
}

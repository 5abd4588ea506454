/**
 * "columns/1": a bundle as bytes. Every batch is a key batch: it carries its own dictionary and can be read by itself.
 *
 *   version (1 byte) | zstd( texts | series | cameras | contexts | points: series column, time column, value column )
 *
 * texts: count, then each as length and UTF-8. Everything else refers to them by number. Times are deltas of deltas (zigzag
 * varints), values are IEEE 754 doubles, transposed so that equal bytes stand together. Lossless: NaN payloads and -0 included.
 */
import { ByteReader, ByteWriter, CodecError } from "./bytes.ts";
import { squeeze, unsqueeze } from "./compression.ts";
import type { Bundle, CameraFacts, Series } from "./sample.ts";
import { ATTRIBUTES_MAX, SERIES_KINDS, TEXT_MAX_BYTES, TRACE_CONTEXT_BYTES } from "./sample.ts";

export { CodecError } from "./bytes.ts";

/** The name of this format among the capabilities of Hello and Welcome. */
export const CODEC = "columns/1";
const VERSION = 1;
const DOUBLE_BYTES = 8;

/** What a batch may hold; a peer that sends more is refused. */
export interface CodecLimits {
  /** Before the compressor is taken off and after it. */
  batchMaxBytes: number;
  pointsMax: number;
  seriesMax: number;
}

export const DEFAULT_LIMITS: CodecLimits = {
  batchMaxBytes: 4_194_304,
  pointsMax: 200_000,
  seriesMax: 100_000,
};

export function encodeBundle(bundle: Bundle): Uint8Array {
  const body = new ByteWriter();
  const texts = new Map<string, number>();
  const tail = new ByteWriter();
  const writeText = (text: string) => {
    let number = texts.get(text);
    if (number === undefined) texts.set(text, (number = texts.size));
    tail.varint(number);
  };
  const writeAttributes = (attributes: Readonly<Record<string, string>>) => {
    const entries = Object.entries(attributes);
    tail.varint(entries.length);
    for (const entry of entries) entry.forEach(writeText);
  };

  tail.varint(bundle.series.length);
  for (const series of bundle.series) {
    [series.cameraId, series.metric, series.unit].forEach(writeText);
    tail.varint(SERIES_KINDS.indexOf(series.kind));
    writeAttributes(series.attributes);
  }
  tail.varint(bundle.cameras.length);
  for (const camera of bundle.cameras) {
    writeText(camera.cameraId);
    writeAttributes(camera.attributes);
  }
  tail.varint(bundle.traceContexts.length);
  for (const context of bundle.traceContexts) tail.raw(context);
  writePoints(tail, bundle);

  body.varint(texts.size);
  for (const text of texts.keys()) body.text(text);
  body.raw(tail.finish());
  return Buffer.concat([Uint8Array.of(VERSION), squeeze(body.finish())]);
}

function writePoints(writer: ByteWriter, { seriesIndex, timeUnixNano, value }: Bundle): void {
  writer.varint(value.length);
  for (const index of seriesIndex) writer.varint(index);
  let [previous, previousDelta] = [0n, 0n];
  for (const time of timeUnixNano) {
    const delta = BigInt.asIntN(64, time - previous);
    writer.signedVarint64(BigInt.asIntN(64, delta - previousDelta));
    [previous, previousDelta] = [time, delta];
  }
  writer.raw(
    transpose(
      new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
      value.length,
      DOUBLE_BYTES,
    ),
  );
}

/** Throws CodecError on bytes that are not a bundle or break a limit. Memory is bounded by the limits. */
export function decodeBundle(bytes: Uint8Array, limits: CodecLimits = DEFAULT_LIMITS): Bundle {
  if (bytes.length > limits.batchMaxBytes) {
    throw new CodecError(
      `batch: got ${bytes.length} bytes, expected at most ${limits.batchMaxBytes}`,
    );
  }
  if (bytes[0] !== VERSION)
    throw new CodecError(`codec version: got ${bytes[0] ?? "no byte"}, expected ${VERSION}`);
  const reader = new ByteReader(unsqueeze(bytes.subarray(1), "batch", limits.batchMaxBytes * 4));
  const texts = reader.list("texts", limits.seriesMax * 2, () =>
    reader.text("text", TEXT_MAX_BYTES),
  );
  const readText = (what: string) => {
    const text = texts[reader.varint(what)];
    if (text === undefined)
      throw new CodecError(`${what}: got the number of a text that is not there`);
    return text;
  };
  const readAttributes = () => {
    const entries = reader.list(
      "attributes",
      ATTRIBUTES_MAX,
      () => [readText("key"), readText("value")] as const,
    );
    return Object.fromEntries(entries);
  };

  const series = reader.list("series", limits.seriesMax, (): Series => {
    const [cameraId, metric, unit] = [readText("camera"), readText("metric"), readText("unit")];
    const kind = SERIES_KINDS[reader.varint("kind")];
    if (!kind)
      throw new CodecError(
        `kind: got a number that is not one, expected 0 to ${SERIES_KINDS.length - 1}`,
      );
    return { cameraId, metric, unit, kind, attributes: readAttributes() };
  });
  const cameras = reader.list("cameras", limits.seriesMax, (): CameraFacts => {
    return { cameraId: readText("camera"), attributes: readAttributes() };
  });
  const traceContexts = reader.list("trace contexts", limits.pointsMax, () =>
    Uint8Array.from(reader.raw(TRACE_CONTEXT_BYTES, "trace context")),
  );
  const points = readPoints(reader, series.length, limits.pointsMax);
  reader.end("batch");
  return { series, cameras, traceContexts, ...points };
}

function readPoints(
  reader: ByteReader,
  seriesCount: number,
  pointsMax: number,
): Pick<Bundle, "seriesIndex" | "timeUnixNano" | "value"> {
  const count = reader.count("points", Math.min(pointsMax, reader.remaining));
  const seriesIndex = new Uint32Array(count);
  for (let point = 0; point < count; point++) {
    const index = reader.varint("series number");
    if (index >= seriesCount)
      throw new CodecError(`series number: got ${index}, expected less than ${seriesCount}`);
    seriesIndex[point] = index;
  }
  const timeUnixNano = new BigUint64Array(count);
  let [time, delta] = [0n, 0n];
  for (let point = 0; point < count; point++) {
    delta = BigInt.asIntN(64, delta + reader.signedVarint64("time"));
    time = BigInt.asUintN(64, time + delta);
    timeUnixNano[point] = time;
  }
  const columns = transpose(reader.raw(count * DOUBLE_BYTES, "values"), DOUBLE_BYTES, count);
  return { seriesIndex, timeUnixNano, value: new Float64Array(columns.buffer, 0, count) };
}

/** Turns `rows` rows of `columns` bytes into as many columns. */
function transpose(bytes: Uint8Array, rows: number, columns: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = bytes[row * columns + column]!;
  }
  return result;
}

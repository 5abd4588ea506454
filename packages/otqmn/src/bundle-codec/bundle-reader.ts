/** Batches of one stream as the bundles that they were made of. Series are those of the stream, and facts about cameras only news. */
import { ByteReader } from "../bytes.ts";
import type { Bundle, CameraFacts, Series } from "../sample.ts";
import { ATTRIBUTES_MAX, TEXT_MAX_BYTES, TRACE_CONTEXT_BYTES } from "../sample.ts";
import type { StreamLimits } from "../stream-codec/limits.ts";
import { STREAM_LIMITS } from "../stream-codec/limits.ts";
import { timesOf } from "../stream-codec/series-definition.ts";
import { StreamDecoder } from "../stream-codec/stream-decoder.ts";
import { seriesOf } from "./bundle-series.ts";

export class BundleReader {
  readonly #decoder: StreamDecoder;
  #series: Series[] = [];

  constructor(limits: StreamLimits = STREAM_LIMITS) {
    this.#decoder = new StreamDecoder(limits);
  }

  /** Throws CodecError; then no further batch of this stream can be read. */
  decode(bytes: Uint8Array): Bundle {
    const reader = new ByteReader(bytes);
    const points = this.#decoder.decode(reader.part("points"));
    if (this.#decoder.isAnew) this.#series = [];
    // Each series has one column, so their numbers are the same.
    while (this.#series.length < this.#decoder.seriesCount)
      this.#series.push(seriesOf(this.#decoder.series(this.#series.length)));
    const cameras = reader.list("cameras", reader.remaining, () => readFacts(reader));
    const traceContexts = reader.list("trace contexts", reader.remaining, () =>
      Uint8Array.from(reader.raw(TRACE_CONTEXT_BYTES, "trace context")),
    );
    reader.end("batch");
    return {
      series: this.#series,
      seriesIndex: points.column,
      timeUnixNano: timesOf(points),
      value: new Float64Array(points.bits.buffer as ArrayBuffer, 0, points.count),
      cameras,
      traceContexts,
    };
  }
}

function readFacts(reader: ByteReader): CameraFacts {
  const cameraId = reader.text("camera", TEXT_MAX_BYTES);
  const entries = reader.list(
    "attributes",
    ATTRIBUTES_MAX,
    () => [reader.text("key", TEXT_MAX_BYTES), reader.text("value", TEXT_MAX_BYTES)] as const,
  );
  return { cameraId, attributes: Object.fromEntries(entries) };
}

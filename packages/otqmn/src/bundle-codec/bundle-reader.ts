/** Batches of one stream as the bundles that they were made of. Facts about cameras are only news. */
import { ByteReader, CodecError } from "../bytes.ts";
import type { Bundle, CameraFacts, Series } from "../sample.ts";
import { ATTRIBUTES_MAX, TEXT_MAX_BYTES, TRACE_CONTEXT_BYTES } from "../sample.ts";
import type { StreamLimits } from "../stream-codec/limits.ts";
import { STREAM_LIMITS } from "../stream-codec/limits.ts";
import type { GroupedPoints } from "../stream-codec/series-definition.ts";
import { timesOf } from "../stream-codec/series-definition.ts";
import { StreamDecoder } from "../stream-codec/stream-decoder.ts";
import { seriesOf } from "./bundle-series.ts";

/** A batch as it is read: nothing is made for each point. Columns are numbers of series since the last key batch. */
export interface StreamedBundle {
  /** Series are numbered from 0 again. */
  isAnew: boolean;
  /** Those that were not there before, in the order of their numbers. */
  newSeries: readonly Series[];
  points: GroupedPoints;
  cameras: readonly CameraFacts[];
  traceContexts: readonly Uint8Array[];
}

export class BundleReader {
  readonly #decoder: StreamDecoder;
  readonly #limits: StreamLimits;
  #seriesKnown = 0;
  #isBroken = false;
  /** Filled by those who ask for whole bundles only. */
  #series: Series[] = [];

  constructor(limits: StreamLimits = STREAM_LIMITS) {
    this.#limits = limits;
    this.#decoder = new StreamDecoder(limits);
  }

  /** About what it remembers of its stream. */
  get rememberedBytes(): number {
    return this.#decoder.rememberedBytes;
  }

  /** Throws CodecError; then no further batch of this stream can be read. */
  read(bytes: Uint8Array): StreamedBundle {
    if (this.#isBroken) throw new CodecError("stream: got a batch behind one that was refused");
    // What is thrown on the way leaves it so.
    this.#isBroken = true;
    const bundle = this.#read(bytes);
    this.#isBroken = false;
    return bundle;
  }

  #read(bytes: Uint8Array): StreamedBundle {
    const reader = new ByteReader(bytes);
    const points = this.#decoder.read(reader.partReader("points"));
    const { isAnew, seriesCount } = this.#decoder;
    if (isAnew) this.#seriesKnown = 0;
    const newSeries: Series[] = [];
    // Each series has one column, so their numbers are the same.
    for (; this.#seriesKnown < seriesCount; this.#seriesKnown++)
      newSeries.push(seriesOf(this.#decoder.series(this.#seriesKnown)));
    const cameras = reader.list("cameras", this.#limits.batchMaxPoints, () => readFacts(reader));
    const traceContexts = reader.list("trace contexts", this.#limits.batchMaxPoints, () =>
      Uint8Array.from(reader.raw(TRACE_CONTEXT_BYTES, "trace context")),
    );
    reader.end("batch");
    return { isAnew, newSeries, points, cameras, traceContexts };
  }

  /** All since the last key batch, by number. */
  allSeries(): Series[] {
    return Array.from({ length: this.#seriesKnown }, (_, number) =>
      seriesOf(this.#decoder.series(number)),
    );
  }

  /** The same as `read` with all series of the stream, and a time for every point. */
  decode(bytes: Uint8Array): Bundle {
    const { isAnew, newSeries, points, cameras, traceContexts } = this.read(bytes);
    this.#series = isAnew ? [...newSeries] : this.#series.concat(newSeries);
    return {
      series: this.#series,
      seriesIndex: points.column,
      timeUnixNano: timesOf(points),
      value: points.floats,
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

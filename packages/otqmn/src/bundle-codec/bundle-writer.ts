/** Bundles as batches of one stream. */
import { ByteWriter } from "../bytes.ts";
import type { Bundle, Series } from "../sample.ts";
import { SeriesEncoder, orAnew } from "../stream-codec/series-encoder.ts";
import type { StreamEncoderOptions } from "../stream-codec/stream-encoder.ts";
import { definitionOf } from "./bundle-series.ts";

export interface BundleWriterOptions extends StreamEncoderOptions {
  /** One bundle is all that is written: no series comes again. */
  isOnly?: boolean;
}

export class BundleWriter {
  readonly #stream: SeriesEncoder;
  readonly #isOnly: boolean;
  /** The same series comes as the same object as a rule. */
  #known = new WeakMap<Series, number>();
  /** Facts about cameras as they were told. */
  readonly #told = new Map<string, string>();
  #isKey = true;
  #wasKey = false;

  constructor({ isOnly = false, ...options }: BundleWriterOptions = {}) {
    this.#stream = new SeriesEncoder(options);
    this.#isOnly = isOnly;
  }

  /** The next batch is a key batch. */
  beginAnew(): void {
    this.#stream.beginAnew();
    this.#isKey = true;
    this.#known = new WeakMap();
    this.#told.clear();
  }

  /**
   * Length of the points (varint), the points, facts about cameras that are new or others than before, contexts of traces. Begins anew when
   * there are too many series since the key batch; throws CodecError for a bundle that is too large by itself.
   */
  encode(bundle: Bundle): Uint8Array {
    const bytes = orAnew(this, () => this.#encode(bundle));
    this.#wasKey = this.#isKey;
    this.#isKey = false;
    return bytes;
  }

  /** Whether the batch written last was a key batch. */
  get wasKey(): boolean {
    return this.#wasKey;
  }

  #encode({
    series,
    seriesIndex,
    timeUnixNano,
    value,
    cameras,
    traceContexts,
  }: Bundle): Uint8Array {
    const columns = Uint32Array.from(series, (each) => this.#columnOf(each));
    const points = this.#stream.encode({
      count: value.length,
      column: seriesIndex.map((index) => columns[index]!),
      timeUnixNano,
      bits: new BigUint64Array(value.buffer as ArrayBuffer, value.byteOffset, value.length),
    });
    const writer = new ByteWriter();
    writer.part(points);
    this.#writeFacts(writer, cameras);
    writer.varint(traceContexts.length);
    for (const context of traceContexts) writer.raw(context);
    return writer.finish();
  }

  #writeFacts(writer: ByteWriter, cameras: Bundle["cameras"]): void {
    const news = cameras.filter(({ cameraId, attributes }) => {
      const facts = JSON.stringify(attributes);
      if (this.#told.get(cameraId) === facts) return false;
      this.#told.set(cameraId, facts);
      return true;
    });
    writer.varint(news.length);
    for (const { cameraId, attributes } of news) {
      const entries = Object.entries(attributes);
      writer.text(cameraId);
      writer.varint(entries.length);
      for (const text of entries.flat()) writer.text(text);
    }
  }

  #columnOf(series: Series): number {
    const known = this.#isOnly ? undefined : this.#known.get(series);
    if (known !== undefined) return known;
    const { parts, columns } = definitionOf(series);
    const column = this.#stream.columnOf(parts, () => columns);
    if (!this.#isOnly) this.#known.set(series, column);
    return column;
  }
}

/** A stream whose series are known by their definitions, and which begins anew by itself when there are too many. */
import { CodecError } from "../bytes.ts";
import type { Points, SeriesDefinition } from "./series-definition.ts";
import type { StreamEncoderOptions } from "./stream-encoder.ts";
import { StreamEncoder } from "./stream-encoder.ts";

export class SeriesEncoder {
  readonly #options: StreamEncoderOptions;
  #encoder: StreamEncoder;
  /** Parts of a definition -> the first column. */
  readonly #columns = new Map<string, number>();

  constructor(options: StreamEncoderOptions) {
    this.#options = options;
    this.#encoder = new StreamEncoder(options);
  }

  /** The next batch is a key batch; series that do not come any more are forgotten. */
  beginAnew(): void {
    this.#encoder = new StreamEncoder(this.#options);
    this.#columns.clear();
  }

  /** The first column of a series. Its parts tell which columns it has: they are asked for when it is new. */
  columnOf(parts: readonly string[], columns: () => SeriesDefinition["columns"]): number {
    const key = parts.map((part) => `${part.length} ${part}`).join("");
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    const first = this.#encoder.addSeries({ parts, columns: columns() });
    this.#columns.set(key, first);
    return first;
  }

  /** Throws CodecError beyond a limit. */
  encode(points: Points): Uint8Array {
    return this.#encoder.encode(points);
  }
}

/** Writes, and once more from a key batch on when that went beyond a limit. Throws CodecError when it is too much by itself. */
export function orAnew(writer: { beginAnew(): void }, write: () => Uint8Array): Uint8Array {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    writer.beginAnew();
    return write();
  }
}

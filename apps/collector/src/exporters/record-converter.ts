/** Records of the log as parts of OTLP requests. Batches build on those before them, so all of them are read, in order. */
import type { Checkpoint, LogRecord } from "@glassline/proto/storage";

import type { SignalName } from "../core/otlp-items.ts";
import { itemsIn } from "../core/otlp-items.ts";
import { PointsEncoder } from "../core/otlp-points.ts";
import type { RecordPoints } from "../core/record-reader.ts";
import { RecordReader } from "../core/record-reader.ts";
import { cataloguesIn } from "../recovery.ts";

/** A request may be made of several parts: their bytes one after another. */
export interface Part {
  /** Of the record. */
  index: number;
  /** The last one of its record. */
  isLast: boolean;
  body: Uint8Array;
  items: number;
}

export interface SignalParts {
  signal: SignalName;
  parts: readonly Part[];
}

/** Cameras whose facts are known; the ones told least lately go. */
const CAMERAS_MAX = 200_000;

const SIGNAL_OF = { otlpMetrics: "metrics", otlpTraces: "traces", otlpLogs: "logs" } as const;

export class RecordConverter {
  readonly #reader = new RecordReader();
  readonly #encoder = new PointsEncoder();
  readonly #facts = new Map<string, Readonly<Record<string, string>>>();
  readonly #partMaxBytes: number;
  #hasCatalogue = false;

  constructor(partMaxBytes: number) {
    this.#partMaxBytes = partMaxBytes;
  }

  /** Reads a record for what later ones build on. Throws CodecError. */
  warm({ record }: LogRecord): void {
    if (record.case === "checkpoint") this.#segment(record.value);
    if (record.case === "batch") this.#points(record.value);
  }

  /** Undefined when there is nothing to export. Throws CodecError, or RangeError, when the record cannot be read. */
  convert(index: number, { record }: LogRecord): SignalParts | undefined {
    switch (record.case) {
      case "checkpoint":
        this.#segment(record.value);
        return undefined;
      case "batch":
        return { signal: "metrics", parts: this.#batchParts(index, this.#points(record.value)) };
      case "otlpMetrics":
      case "otlpTraces":
      case "otlpLogs": {
        const [signal, body] = [SIGNAL_OF[record.case], record.value];
        const part = { index, isLast: true, body, items: itemsIn(signal, body) };
        return { signal, parts: [part] };
      }
      default:
        return undefined;
    }
  }

  #batchParts(index: number, points: RecordPoints): Part[] {
    const facts = (cameraId: string) => this.#facts.get(cameraId);
    const parts = Array.from(
      this.#encoder.encode(points, facts, this.#partMaxBytes),
      ({ body, points: items }) => ({ index, isLast: false, body, items }),
    );
    const last = parts.at(-1);
    if (last) last.isLast = true;
    return parts;
  }

  #points(batch: Extract<LogRecord["record"], { case: "batch" }>["value"]): RecordPoints {
    const record = { case: "batch", value: batch } as const;
    const points = this.#reader.read({ record } as LogRecord)!;
    this.#learn(points.cameras);
    return points;
  }

  /** The first catalogue tells all facts; later ones tell what batches have told since. */
  #segment(checkpoint: Checkpoint): void {
    this.#reader.endSegment();
    if (this.#hasCatalogue || checkpoint.catalogue.length === 0) return;
    this.#hasCatalogue = true;
    for (const { bundle } of cataloguesIn(checkpoint)) this.#learn(bundle.cameras);
  }

  #learn(cameras: RecordPoints["cameras"]): void {
    for (const { cameraId, attributes } of cameras) {
      const known = this.#facts.get(cameraId);
      this.#facts.delete(cameraId);
      this.#facts.set(cameraId, { ...known, ...attributes });
      if (this.#facts.size > CAMERAS_MAX) this.#facts.delete(this.#facts.keys().next().value!);
    }
  }
}

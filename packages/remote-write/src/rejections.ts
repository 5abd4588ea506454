import { LIMITS } from "./limits.ts";

export type RejectionReason =
  | "no_metric_name"
  | "invalid_utf8"
  | "empty_label"
  | "duplicate_label"
  | "too_many_labels"
  | "long_label"
  | "symbol_out_of_range"
  | "empty_series"
  | "mixed_series"
  | "timestamp_out_of_range"
  | "invalid_histogram"
  | "gauge_histogram"
  | "fractional_histogram"
  | "unknown_histogram_schema"
  | "wide_histogram"
  | "temporality"
  | "no_value";

/** A series, a histogram or a point is refused; the rest of the request is not. */
export class Rejection extends Error {
  override readonly name = "Rejection";
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** How many samples, histograms and exemplars were not taken, by reason, with an example of each of the first reasons. */
export class Rejections {
  readonly counts = new Map<RejectionReason, number>();
  readonly #examples: string[] = [];

  /** Of all reasons. */
  get total(): number {
    return this.counts.values().reduce((sum, count) => sum + count, 0);
  }

  add({ reason, message }: Rejection, count: number): void {
    const before = this.counts.get(reason);
    this.counts.set(reason, (before ?? 0) + count);
    if (before !== undefined || this.#examples.length >= LIMITS.examplesMax) return;
    this.#examples.push(`${reason}: ${message.slice(0, LIMITS.exampleMaxCharacters)}`);
  }

  /** Runs `take`, and counts it when it is rejected. */
  guard<T>(count: number, take: () => T): T | undefined {
    try {
      return take();
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      this.add(error, count);
      return undefined;
    }
  }

  /** For people: how many, and why. */
  get message(): string {
    const counts = [...this.counts].map(([reason, count]) => `${count} ${reason}`);
    return `rejected ${this.total} samples, histograms or exemplars (${counts.join(", ")}); ${this.#examples.join("; ")}`;
  }
}

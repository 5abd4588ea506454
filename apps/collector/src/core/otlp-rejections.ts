/**
 * What of a request cannot be kept, by reason, and how the sender is told.
 * Source: https://opentelemetry.io/docs/specs/otlp/#partial-success
 */

/** By reason, as in the metric: what is rejected, and what was expected. */
const REASONS = {
  otlp_metric_without_name: { of: "point", field: "metric name", expected: "a name" },
  otlp_metric_without_data: {
    of: "metric",
    field: "data",
    expected: "gauge, sum, histogram, exponential_histogram or summary",
  },
  otlp_point_without_value: {
    of: "point",
    field: "value",
    expected: "as_double, as_int or the flag NO_RECORDED_VALUE",
  },
  otlp_span_trace_id: {
    of: "span",
    field: "trace_id",
    expected: "16 bytes that are not all zero",
  },
  otlp_span_span_id: { of: "span", field: "span_id", expected: "8 bytes that are not all zero" },
  otlp_span_parent_span_id: { of: "span", field: "parent_span_id", expected: "8 bytes or none" },
} as const;

export type RejectionReason = keyof typeof REASONS;

export interface Problem {
  reason: RejectionReason;
  /** For people: "3 bytes". */
  got: string;
}

export interface Rejection {
  count: number;
  /** What was got the first time. */
  got: string;
}

/** Of one request. */
export class Rejections {
  readonly byReason = new Map<RejectionReason, Rejection>();

  get total(): number {
    return [...this.byReason.values()].reduce((sum, { count }) => sum + count, 0);
  }

  add({ reason, got }: Problem, count = 1): void {
    const known = this.byReason.get(reason);
    if (known) known.count += count;
    else this.byReason.set(reason, { count, got });
  }

  /** The items without a problem; the others are added here. */
  sift<T>(
    items: T[],
    problemOf: (item: T) => Problem | undefined,
    countOf: (item: T) => number = () => 1,
  ): T[] {
    if (!items.some(problemOf)) return items;
    return items.filter((item) => {
      const problem = problemOf(item);
      if (problem) this.add(problem, countOf(item));
      return !problem;
    });
  }

  /** For the sender: "2 spans: trace_id: got 3 bytes, expected 16 bytes that are not all zero". */
  get message(): string {
    const parts = [...this.byReason].map(([reason, { count, got }]) => {
      const { of, field, expected } = REASONS[reason];
      return `${count} ${of}${count === 1 ? "" : "s"}: ${field}: got ${got}, expected ${expected}`;
    });
    return parts.join("; ");
  }
}

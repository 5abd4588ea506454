/** Times to detect, to act and to recover, as they become known. */
import { BoundedNames, spanSeconds } from "./core/times.ts";
import type { OpsBotMetrics } from "./metrics.ts";

export type TimesMetrics = Pick<
  OpsBotMetrics,
  "timeToDetect" | "timeToAct" | "timeToRecover" | "timesRefused"
>;

/** All in Unix nanoseconds. */
interface Step {
  check: string;
  nowUnixNano: bigint;
}

type Histogram = Exclude<keyof TimesMetrics, "timesRefused">;

export class Times {
  readonly #metrics: TimesMetrics;
  readonly #checks = new BoundedNames();

  constructor(metrics: TimesMetrics) {
    this.#metrics = metrics;
  }

  /** An incident is opened. @param step since when there is a problem. */
  opened({ sinceUnixNano, ...step }: Step & { sinceUnixNano: bigint }): void {
    this.#observe("timeToDetect", sinceUnixNano, step);
  }

  /** An action is intended. @param step which one, counted from 0: the first one counts. */
  acted({
    openedUnixNano,
    action,
    ...step
  }: Step & { openedUnixNano: bigint; action: number }): void {
    if (action === 0) this.#observe("timeToAct", openedUnixNano, step);
  }

  /** An incident is resolved. */
  recovered({ openedUnixNano, ...step }: Step & { openedUnixNano: bigint }): void {
    this.#observe("timeToRecover", openedUnixNano, step);
  }

  #observe(time: Histogram, fromUnixNano: bigint, { check, nowUnixNano }: Step): void {
    const seconds = spanSeconds(fromUnixNano, nowUnixNano);
    if (seconds === undefined) this.#metrics.timesRefused.inc({ time });
    else this.#metrics[time].observe({ check: this.#checks.nameOf(check) }, seconds);
  }
}

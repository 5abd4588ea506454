import type { Random } from "./random.ts";

export interface Backoff {
  /** How long to wait before the next try, milliseconds. */
  nextMs(): number;
  /** After a success. */
  reset(): void;
}

/**
 * Exponential back-off with full jitter: uniform between a tenth and the whole of a bound that doubles with each try.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoff({
  firstMs,
  maxMs,
  random,
}: {
  firstMs: number;
  maxMs: number;
  random: Random;
}): Backoff {
  let boundMs = firstMs;
  return {
    nextMs: () => {
      const waitMs = boundMs * (0.1 + 0.9 * random());
      boundMs = Math.min(maxMs, boundMs * 2);
      return waitMs;
    },
    reset: () => {
      boundMs = firstMs;
    },
  };
}

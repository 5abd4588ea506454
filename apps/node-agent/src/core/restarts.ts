/** When an edge that ended by itself is started again, and when it is given up. Pure. */
import type { RestartPolicy } from "@glassline/proto/node";
import type { Backoff } from "@glassline/service/backoff";

/** An edge that ran so long before it ended is started again without a longer pause. */
const STABLE_MS = 30_000;

export class Restarts {
  readonly #backoff: Backoff;
  #endsInRow = 0;

  /** @param backoff of edges without a policy of their own. */
  constructor(backoff: Backoff) {
    this.#backoff = backoff;
  }

  /**
   * After an end that nobody asked for.
   * @param ranMs for how long it ran; 0: it could not be started.
   * @returns how long to wait, milliseconds; undefined: it is given up.
   */
  pauseAfter(ranMs: number, policy: RestartPolicy | undefined): number | undefined {
    if (ranMs > STABLE_MS) this.reset();
    this.#endsInRow++;
    if (!policy) return this.#backoff.nextMs();
    const { pauseMs, pauseMaxMs, attemptsMax } = policy;
    if (attemptsMax > 0 && this.#endsInRow >= attemptsMax) return undefined;
    return Math.min(Math.max(pauseMaxMs, pauseMs), pauseMs * 2 ** (this.#endsInRow - 1));
  }

  /** What is wished anew begins anew. */
  reset(): void {
    this.#endsInRow = 0;
    this.#backoff.reset();
  }
}

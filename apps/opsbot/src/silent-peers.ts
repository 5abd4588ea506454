/** Who did not answer the last time holds nobody up: others do not wait for a machine that has died. */
import { RpcError, toRpcError } from "@glassline/proto/errors";
import type { EdgeCacheService } from "@glassline/proto/edge";
import type { NodeAgentService } from "@glassline/proto/node";
import type { CallOptions, Client } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";

/** More than one that is well takes. */
const MOMENT_MS = 200;

type WaitClock = Pick<Clock, "monotonicMs" | "sleep">;

export function quickEdge(
  edge: Client<typeof EdgeCacheService>,
  clock: WaitClock,
): Client<typeof EdgeCacheService> {
  const hearing = new Hearing(clock);
  const getStatus: typeof edge.getStatus = (request, options) =>
    hearing.ask(() => edge.getStatus(request, options));
  return { ...edge, getStatus };
}

export function quickAgent(
  agent: Client<typeof NodeAgentService>,
  clock: WaitClock,
): Client<typeof NodeAgentService> {
  const hearing = new Hearing(clock);
  const getStatus: typeof agent.getStatus = (request, options) =>
    hearing.ask(() => agent.getStatus(request, options));
  // It is not done behind the back of whoever gave it up.
  const setDesiredState: typeof agent.setDesiredState = (request, options) =>
    hearing.heard(agent.setDesiredState(request, hearing.hurried(options)));
  return { ...agent, getStatus, setDesiredState };
}

/** Whether one peer was heard, and what it is asked while it is silent. */
class Hearing {
  readonly #clock: WaitClock;
  #isSilent = false;
  /** Asked while it was silent; no answer has come yet. */
  #asked: { answer: Promise<unknown>; sinceMs: number } | undefined;

  constructor(clock: WaitClock) {
    this.#clock = clock;
  }

  /**
   * Of one that was silent one answer is waited for at a time, and that for a moment; what it answers later counts for the next time.
   * @param call the same question each time.
   */
  ask<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#isSilent) return this.heard(call());
    if (!this.#asked) {
      const asked = { answer: this.heard(call()), sinceMs: this.#clock.monotonicMs() };
      const done = () => {
        if (this.#asked === asked) this.#asked = undefined;
      };
      asked.answer.then(done, done);
      this.#asked = asked;
    }
    const { answer, sinceMs } = this.#asked;
    const leftMs = sinceMs + MOMENT_MS - this.#clock.monotonicMs();
    return within(leftMs, answer as Promise<T>, this.#clock);
  }

  async heard<T>(answer: Promise<T>): Promise<T> {
    try {
      const told = await answer;
      this.#isSilent = false;
      return told;
    } catch (error) {
      const { code } = toRpcError(error);
      this.#isSilent = code === "unavailable" || code === "deadline_exceeded";
      throw error;
    }
  }

  hurried(options: CallOptions | undefined): CallOptions | undefined {
    return this.#isSilent ? { ...options, timeoutMs: MOMENT_MS } : options;
  }
}

/** Rejects with RpcError when no answer comes in time. */
async function within<T>(leftMs: number, answer: Promise<T>, clock: WaitClock): Promise<T> {
  const over = new AbortController();
  const late = (leftMs > 0 ? clock.sleep(leftMs, over.signal) : Promise.resolve()).then(() => {
    throw new RpcError("deadline_exceeded", "it does not answer, as it did not before");
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    over.abort();
    // Nobody is told of it any more.
    late.catch(() => {});
  }
}

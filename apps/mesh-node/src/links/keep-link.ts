/** The dialling end of a link, whatever it runs over: it is there until it is told to stop. */
import type { Endpoint } from "@glassline/config";
import type { Backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

/** Pauses between tries. */
export const DIALLING = { firstMs: 100, maxMs: 1_000 } as const;
/** For a connection that shall take the place of another. */
const RENEW_TIMEOUT_MS = 5_000;

export interface Dialling {
  /** Aborted: it is closed. */
  signal: AbortSignal;
  /** Aborted: it is given up unless it is up. */
  until: AbortSignal;
  /** For the link: makes another one that takes its place. */
  renew: () => Promise<void>;
  /** Told once, of one that was up. */
  ended: () => void;
}

/** Resolves when the link is up; rejects when it does not come up. */
export type DialOnce = (neighbour: Endpoint, dialling: Dialling) => Promise<void>;

export interface KeepDeps {
  dial: DialOnce;
  clock: Clock;
  backoff: Backoff;
  /** Told each time a try fails. */
  failed: (reason: string) => void;
}

/** With back-off between tries. */
export async function keepLink(
  neighbour: Endpoint,
  deps: KeepDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await linkAndNewer(neighbour, deps, signal).catch((error: unknown) =>
      deps.failed(messageOf(error)),
    );
    await deps.clock.sleep(deps.backoff.nextMs(), signal).catch(() => {});
  }
}

/** Resolves when the link that was up has ended, and those that took its place; rejects when it did not come up. */
function linkAndNewer(
  neighbour: Endpoint,
  { dial, backoff }: KeepDeps,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let open = 0;
  const ended = () => {
    if (--open === 0) resolve();
  };
  const dialOne = async (until: AbortSignal) => {
    open++;
    try {
      await dial(neighbour, { signal, until, renew, ended });
      backoff.reset();
    } catch (error) {
      if (--open === 0) reject(error);
      throw error;
    }
  };
  let renewing: Promise<void> | undefined;
  const renew = (): Promise<void> =>
    (renewing ??= dialOne(AbortSignal.timeout(RENEW_TIMEOUT_MS)).finally(
      () => (renewing = undefined),
    ));
  dialOne(signal).catch(() => {});
  return promise;
}

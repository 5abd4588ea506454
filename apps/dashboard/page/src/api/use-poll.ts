import type { RpcError } from "@glassline/proto/errors";
import { useEffect, useRef, useState } from "preact/hooks";

import { startPolling } from "./polling.ts";

/** The newest answer, and what is wrong at present. Times are of the browser's clock. */
export interface Polled<T> {
  data?: T;
  receivedMs?: number;
  error?: RpcError;
  failingSinceMs?: number;
}

/** Values that are older than this look stale. */
const FRESH_MS = 6_000;

// Kept over navigation, so that going back shows the last values at once.
const remembered = new Map<string, Polled<unknown>>();
const REMEMBERED_MAX_ENTRIES = 20;
/** Keys of what is on the page, each as often as it is used. */
const mounted: string[] = [];

/** Polls while mounted. `key` names what is asked: a new key begins anew, a new `load` is used from the next turn on. */
export function usePoll<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  intervalMs = 1_000,
): Polled<T> {
  const [, render] = useState(0);
  const loadRef = useRef(load);
  loadRef.current = load;
  useEffect(() => {
    const update = (change: (before: Polled<unknown>) => Polled<unknown>): void => {
      remember(key, change(remembered.get(key) ?? {}));
      render((count) => count + 1);
    };
    mounted.push(key);
    const stop = startPolling({
      load: (signal) => loadRef.current(signal),
      intervalMs,
      onData: (data) => update(() => ({ data, receivedMs: Date.now() })),
      onError: (error) =>
        update((before) => ({
          ...before,
          error,
          failingSinceMs: before.failingSinceMs ?? Date.now(),
        })),
    });
    return () => {
      mounted.splice(mounted.indexOf(key), 1);
      stop();
    };
  }, [key, intervalMs]);
  return (remembered.get(key) ?? {}) as Polled<T>;
}

/** Whether anything on the page that counts has an answer to show, however old. */
export function hasAnswers(counts: (key: string) => boolean): boolean {
  return mounted.some((key) => counts(key) && remembered.get(key)?.data !== undefined);
}

/** Whether values should look old: the last request failed, or nothing has been heard for a while. */
export function isStale(polled: Polled<unknown>): boolean {
  if (polled.receivedMs === undefined) return false;
  return polled.error !== undefined || Date.now() - polled.receivedMs > FRESH_MS;
}

function remember(key: string, polled: Polled<unknown>): void {
  remembered.delete(key);
  remembered.set(key, polled);
  if (remembered.size <= REMEMBERED_MAX_ENTRIES) return;
  const oldest = remembered.keys().next().value;
  if (oldest !== undefined) remembered.delete(oldest);
}

import { RpcError, toRpcError } from "@glassline/proto/errors";

/** Longest time that one request may take. */
export const REQUEST_TIMEOUT_MS = 5_000;

export interface PollingOptions<T> {
  load(signal: AbortSignal): Promise<T>;
  intervalMs: number;
  onData(data: T): void;
  onError(error: RpcError): void;
}

/** One request with the page's timeout; fails with RpcError. */
export async function request<T>(
  load: (signal: AbortSignal) => Promise<T>,
  stop: AbortSignal,
): Promise<T> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  try {
    return await load(AbortSignal.any([stop, timeout]));
  } catch (error) {
    if (!timeout.aborted) throw toRpcError(error);
    throw new RpcError("deadline_exceeded", `no answer within ${REQUEST_TIMEOUT_MS} ms`);
  }
}

/**
 * Asks again and again while the tab is visible, never twice at a time. A slow answer slows the pace down, so that a large
 * fleet does not keep the browser busy. Returns the function that stops it.
 */
export function startPolling<T>({
  load,
  intervalMs,
  onData,
  onError,
}: PollingOptions<T>): () => void {
  const stop = new AbortController();
  let timer: number | undefined;
  let busy = false;
  const turn = async (): Promise<void> => {
    if (busy || document.hidden || stop.signal.aborted) return;
    busy = true;
    const startedMs = performance.now();
    await request(load, stop.signal).then(
      (data) => stop.signal.aborted || onData(data),
      (error: RpcError) => stop.signal.aborted || onError(error),
    );
    busy = false;
    const tookMs = performance.now() - startedMs;
    timer = window.setTimeout(turn, Math.max(intervalMs - tookMs, tookMs, 100));
  };
  const onVisibility = (): void => {
    window.clearTimeout(timer);
    void turn();
  };
  document.addEventListener("visibilitychange", onVisibility, { signal: stop.signal });
  void turn();
  return () => {
    stop.abort();
    window.clearTimeout(timer);
  };
}

/** HTTP as a player needs it: a port, and its adapter on `fetch`. */

export interface HttpAnswer {
  status: number;
  /** Lower-case names. */
  header(name: string): string | undefined;
  body: Uint8Array;
  /** From the request to the answer's first byte. */
  firstByteMs: number;
}

/** Gets the whole of an address. Rejects when nobody answers in time. */
export type HttpGet = (url: string, signal: AbortSignal) => Promise<HttpAnswer>;

export const fetchGet: HttpGet = async (url, signal) => {
  const startMs = performance.now();
  const response = await fetch(url, { signal, redirect: "error" });
  const firstByteMs = performance.now() - startMs;
  const body = new Uint8Array(await response.arrayBuffer());
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body,
    firstByteMs,
  };
};

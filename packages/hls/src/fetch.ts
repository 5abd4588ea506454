/** HTTP as a player needs it: a port, and its adapter on `fetch`. */
import type { ByteRange } from "./byte-range.ts";
import { rangeField } from "./byte-range.ts";

export interface HttpAnswer {
  status: number;
  /** Lower-case names. */
  header(name: string): string | undefined;
  body: Uint8Array;
  /** From the request to the answer's first byte. */
  firstByteMs: number;
}

/** Gets an address: the whole, or a range of it. Rejects when nobody answers in time. */
export type HttpGet = (
  url: string,
  signal: AbortSignal,
  byteRange?: ByteRange,
) => Promise<HttpAnswer>;

export const fetchGet: HttpGet = getAs("glassline-player");

/** What looks whether an edge is well calls itself so: edges do not count it among their viewers. */
export const PROBE_USER_AGENT = "glassline-probe";

export function getAs(userAgent: string): HttpGet {
  return async (url, signal, byteRange) => {
    const startMs = performance.now();
    const headers = {
      "user-agent": userAgent,
      ...(byteRange && { range: rangeField(byteRange) }),
    };
    const response = await fetch(url, { signal, headers, redirect: "error" });
    const firstByteMs = performance.now() - startMs;
    const body = new Uint8Array(await response.arrayBuffer());
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body,
      firstByteMs,
    };
  };
}

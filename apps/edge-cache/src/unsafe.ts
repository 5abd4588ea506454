/** Requests that change something (RFC 9110 section 9.2.1), and what (RFC 9111 section 4.4). */
import type { Addresses } from "./core/addresses.ts";
import type { Fields } from "./core/http/fields.ts";
import type { CacheRequest } from "./request.ts";

const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export const isUnsafe = (method: string): boolean => !SAFE.has(method);

/** What an unsafe request may have changed: its own address, and those that its answer names on this server. */
export function addressesOf(
  request: CacheRequest,
  answer: Fields,
  addresses: Addresses,
): Set<string> {
  const { key } = request.address;
  const keys = new Set([key]);
  const host = request.fields.first("host") ?? "edge";
  for (const name of ["location", "content-location"]) {
    const value = answer.first(name);
    const url = value === undefined ? null : URL.parse(value, `http://${host}${key}`);
    const named = url?.host === host ? addresses.read(`${url.pathname}${url.search}`) : undefined;
    if (named) keys.add(named.key);
  }
  return keys;
}

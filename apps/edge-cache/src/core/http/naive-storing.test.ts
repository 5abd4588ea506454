/** What may be stored, against a second implementation, written line by line from the text of RFC 9111 sections 3 and 3.5. */
import fc from "fast-check";
import { expect, test } from "vitest";

import { responseDirectives } from "./directives.ts";
import type { FieldLine } from "./fields.ts";
import { Fields } from "./fields.ts";
import { mayStore } from "./storing.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 12);

const seldom = fc.nat(3).map((number) => number === 0);

const exchanged = fc.record({
  method: fc.constantFrom("GET", "GET", "GET", "HEAD", "POST", "OPTIONS"),
  status: fc.constantFrom(
    103,
    200,
    204,
    206,
    301,
    302,
    304,
    403,
    404,
    412,
    416,
    418,
    451,
    500,
    599,
  ),
  authorization: seldom,
  range: seldom,
  request_no_store: seldom,
  no_store: seldom,
  must_understand: seldom,
  private: fc.constantFrom("no", "no", "all", "fields"),
  public: seldom,
  must_revalidate: seldom,
  max_age: fc.option(fc.constantFrom("0", "60", "x"), { nil: undefined, freq: 2 }),
  s_maxage: fc.option(fc.constantFrom("0", "60", "x"), { nil: undefined, freq: 2 }),
  expires: fc.option(fc.constantFrom("0", "Sat, 21 Nov 2026 13:00:00 GMT"), {
    nil: undefined,
    freq: 2,
  }),
  vary: fc.constantFrom(undefined, undefined, "accept", "*", "accept, *"),
  /** The directives are in CDN-Cache-Control, and these in Cache-Control mean nothing. */
  is_targeted: seldom,
});
type Exchanged = typeof exchanged extends fc.Arbitrary<infer T> ? T : never;

// RFC 9110 section 15.1.
const heuristically_cacheable = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);
/** Of those above, the ones whose rules this cache knows. */
const understood = new Set([200, 204, 206, 301, 302, 403, 404, 500]);

function naive_may_store(one: Exchanged): boolean {
  // "the request method is understood by the cache"
  if (one.method !== "GET") return false;
  // "the response status code is final"
  if (one.status < 200) return false;
  // "if the response status code is 206 or 304, or the must-understand cache directive is present: the cache understands the response status code"
  if (one.status === 304) return false;
  if (one.must_understand && !understood.has(one.status)) return false;
  // "the no-store cache directive is not present in the response", or ignored because of must-understand (section 5.2.2.3)
  if (one.no_store && !one.must_understand) return false;
  // "if the cache is shared: the private response directive is either not present or allows a shared cache to store a modified response"
  if (one.private === "all") return false;
  // "if the cache is shared: the Authorization header field is not present in the request or a response directive is present that explicitly allows shared caching"
  const allows_authorized = one.must_revalidate || one.public || one.s_maxage !== undefined;
  if (one.authorization && !allows_authorized) return false;
  // Section 4.1: with "*" it matches no request; sections 5.2.1.5; RFC 9110 sections 13 and 14: what is only about the request.
  if (one.vary?.includes("*") || one.request_no_store) return false;
  if ([412, 416].includes(one.status)) return false;
  if (one.range && one.status !== 200 && one.status !== 206) return false;
  // "the response contains at least one of the following"
  const has_expires = one.expires !== undefined && !one.is_targeted;
  return (
    one.public ||
    has_expires ||
    one.max_age !== undefined ||
    one.s_maxage !== undefined ||
    heuristically_cacheable.has(one.status)
  );
}

function responseOf(one: Exchanged): Fields {
  // A dictionary knows whole numbers only; what is no number is of Cache-Control.
  const seconds = (value: string) => (one.is_targeted && value === "x" ? "7" : value);
  const directives = [
    ...(one.no_store ? ["no-store"] : []),
    ...(one.must_understand ? ["must-understand"] : []),
    ...(one.private === "all" ? ["private"] : []),
    ...(one.private === "fields" ? ['private="set-cookie"'] : []),
    ...(one.public ? ["public"] : []),
    ...(one.must_revalidate ? ["must-revalidate"] : []),
    ...(one.max_age === undefined ? [] : [`max-age=${seconds(one.max_age)}`]),
    ...(one.s_maxage === undefined ? [] : [`s-maxage=${seconds(one.s_maxage)}`]),
  ].join(", ");
  const lines: FieldLine[] = one.is_targeted
    ? [
        ["cdn-cache-control", directives === "" ? "nothing" : directives],
        ["cache-control", "no-store, private, max-age=9"],
      ]
    : [["cache-control", directives]];
  if (one.expires !== undefined) lines.push(["expires", one.expires]);
  if (one.vary !== undefined) lines.push(["vary", one.vary]);
  return new Fields(lines);
}

test("what may be stored is what the text allows, whatever both sides say", () => {
  fc.assert(
    fc.property(exchanged, (one) => {
      const fields = responseOf(one);
      const lines: FieldLine[] = [
        ...(one.authorization ? ([["authorization", "x"]] as const) : []),
        ...(one.range ? ([["range", "bytes=0-1"]] as const) : []),
      ];
      const asked = {
        method: one.method,
        fields: new Fields(lines),
        noStore: one.request_no_store,
      };
      const received = { status: one.status, fields, requestMs: NOW_MS, responseMs: NOW_MS };
      expect(mayStore(asked, received, responseDirectives(fields))).toBe(naive_may_store(one));
    }),
    { numRuns: 5_000 },
  );
});

/**
 * Freshness and age against a second implementation, written line by line from the text of RFC 9111 section 4.2 and 5.2.1, in seconds, with the
 * names that it has there. It is told what each field means, and never reads one.
 */
import fc from "fast-check";
import { expect, test } from "vitest";

import { formatHttpDate } from "./dates.ts";
import { directivesOf, responseDirectives } from "./directives.ts";
import type { FieldLine } from "./fields.ts";
import { Fields } from "./fields.ts";
import { initialAgeMs, policyOf } from "./freshness.ts";
import { useOf } from "./reuse.ts";

const NOW_S = Date.UTC(2026, 10, 21, 12) / 1_000;

/** A value of a field, and what it means; undefined: nothing. */
interface Value<T> {
  text: string;
  means: T | undefined;
}

const said = <T>(text: string, means?: T): Value<T> => ({ text, means });

/** Small ones, too, so that sums are equal now and then. */
const amount = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 5_000_000 }) },
);
const seldom = fc.nat(5).map((number) => number === 0);

/** Seconds since 1970. */
const date: fc.Arbitrary<Value<number>> = fc.oneof(
  fc
    .tuple(amount, fc.constantFrom(-1, 1))
    .map(([seconds, sign]) => seconds * sign)
    .map((offset) => said(formatHttpDate((NOW_S + offset) * 1_000), NOW_S + offset)),
  fc.constantFrom(
    ...["0", "-1", "", "now", "Sat, 21 Nov 2026 12:00:00", "Sat, 21 Nov 2026 12:00:00 +0000"].map(
      (text) => said<number>(text),
    ),
    ...["Sat, 31 Feb 2026 12:00:00 GMT", "2026-11-21T12:00:00Z", "1795262400"].map((text) =>
      said<number>(text),
    ),
  ),
);

const MOST = 2_147_483_648;

/** Of a directive: what is no number of seconds makes a response stale at once (section 4.2.1). */
const seconds: fc.Arbitrary<Value<number>> = fc.oneof(
  amount.map((value) => said(String(value), value)),
  amount.map((value) => said(`"${value}"`, value)),
  fc.constantFrom(
    said("0060", 60),
    said("2147483648", MOST),
    said("99999999999999999999", MOST),
    ...["-1", "1.5", "1e3", "x", "", "'60'", "60 1", "+60", "0x60"].map((text) => said(text, 0)),
  ),
);

/** Of several values the first counts; anything else is as if it were not there (section 5.1). */
const age: fc.Arbitrary<Value<number>> = fc.oneof(
  amount.map((value) => said(String(value), value)),
  fc.constantFrom(
    said("7, 100", 7),
    said("100, 7", 100),
    said("99999999999999999999", MOST),
    ...["-1", "1.5", "x", "", "x, 5", "5;a=1"].map((text) => said<number>(text)),
  ),
);

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

const response = fc.record({
  date: maybe(date),
  expires: maybe(date),
  lastModified: maybe(date),
  age: maybe(age),
  sMaxage: maybe(seconds),
  maxAge: maybe(seconds),
  secondMaxAge: maybe(seconds),
  noCache: seldom,
  mustRevalidate: seldom,
  isPublic: fc.boolean(),
  status: fc.constantFrom(200, 203, 302, 404, 410, 418, 500),
  /** Seconds. */
  response_delay: fc.integer({ min: 0, max: 3 }),
  resident_time: amount,
});
type Response = typeof response extends fc.Arbitrary<infer T> ? T : never;

const request = fc.record({
  noCache: seldom,
  maxAge: maybe(seconds),
  minFresh: maybe(seconds),
  maxStale: maybe(fc.oneof(fc.constant("any" as const), seconds)),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

// Section 4.2.2: statuses of RFC 9110 section 15.1 that a heuristic may be used for.
const heuristically_cacheable = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);

function naive_freshness_lifetime(stored: Response): number {
  const date_value = stored.date?.means ?? NOW_S;
  // "If the cache is shared and the s-maxage response directive is present, use its value, or"
  if (stored.sMaxage) return stored.sMaxage.means!;
  // "If the max-age response directive is present, use its value, or" (of two, the first)
  if (stored.maxAge) return stored.maxAge.means!;
  if (stored.secondMaxAge) return stored.secondMaxAge.means!;
  // "If the Expires response header field is present, use its value minus the value of the Date response header field, or"
  // Section 5.3: an invalid one represents a time in the past.
  if (stored.expires)
    return stored.expires.means === undefined ? 0 : Math.max(0, stored.expires.means - date_value);
  // "Otherwise, no explicit expiration time is present in the response. A heuristic freshness lifetime might be applicable"
  if (!heuristically_cacheable.has(stored.status) && !stored.isPublic) return 0;
  if (stored.lastModified?.means === undefined) return 0;
  return Math.min(86_400, Math.max(0, (date_value - stored.lastModified.means) / 10));
}

function naive_current_age(stored: Response): number {
  const age_value = stored.age?.means ?? 0;
  const response_time = NOW_S;
  const request_time = NOW_S - stored.response_delay;
  const date_value = stored.date?.means ?? response_time;
  const apparent_age = Math.max(0, response_time - date_value);
  const response_delay = response_time - request_time;
  const corrected_age_value = age_value + response_delay;
  const corrected_initial_age = Math.max(apparent_age, corrected_age_value);
  return corrected_initial_age + stored.resident_time;
}

/** Whether it may be used without asking the origin. */
function naive_may_be_used(stored: Response, asked: Request): boolean {
  const freshness_lifetime = naive_freshness_lifetime(stored);
  const current_age = naive_current_age(stored);
  const response_is_fresh = freshness_lifetime > current_age;
  // Sections 5.2.2.4 and 5.2.1.4.
  if (stored.noCache || asked.noCache) return false;
  // Section 5.2.1.1: "prefers a response whose age is less than or equal to the specified number of seconds"
  if (asked.maxAge && current_age > asked.maxAge.means!) return false;
  // Section 5.2.1.3: "whose freshness lifetime is no less than its current age plus the specified time"
  if (asked.minFresh && freshness_lifetime < current_age + asked.minFresh.means!) return false;
  if (response_is_fresh) return true;
  // Section 4.2.4: not "if it is prohibited by an explicit in-protocol directive"; s-maxage is one for shared caches (5.2.2.10).
  if (stored.mustRevalidate || stored.sMaxage || asked.minFresh) return false;
  if (asked.maxStale === undefined) return false;
  // Section 5.2.1.2: "that has exceeded its freshness lifetime by no more than the specified number of seconds"
  if (asked.maxStale === "any" || asked.maxStale.text === "") return true;
  return current_age - freshness_lifetime <= asked.maxStale.means!;
}

function linesOf(stored: Response): FieldLine[] {
  const cacheControl = [
    ...(stored.sMaxage ? [`s-maxage=${stored.sMaxage.text}`] : []),
    ...(stored.maxAge ? [`Max-Age=${stored.maxAge.text}`] : []),
    ...(stored.secondMaxAge ? [`max-age=${stored.secondMaxAge.text}`] : []),
    ...(stored.noCache ? ["no-cache"] : []),
    ...(stored.mustRevalidate ? ["must-revalidate"] : []),
    ...(stored.isPublic ? ["public"] : []),
  ];
  const lines: FieldLine[] = cacheControl.map((directive) => ["cache-control", directive]);
  const values = { date: stored.date, expires: stored.expires, age: stored.age };
  for (const [name, value] of Object.entries({ ...values, "last-modified": stored.lastModified }))
    if (value) lines.push([name, value.text]);
  return lines;
}

function textOf({ noCache, maxAge, minFresh, maxStale }: Request): string {
  return [
    ...(noCache ? ["no-cache"] : []),
    ...(maxAge ? [`max-age=${maxAge.text}`] : []),
    ...(minFresh ? [`min-fresh=${minFresh.text}`] : []),
    ...(maxStale === "any" ? ["max-stale"] : maxStale ? [`max-stale=${maxStale.text}`] : []),
  ].join(", ");
}

function policyAndAge(stored: Response) {
  const fields = new Fields(linesOf(stored));
  const responseMs = NOW_S * 1_000;
  const requestMs = responseMs - stored.response_delay * 1_000;
  const received = { status: stored.status, fields, requestMs, responseMs };
  const policy = policyOf(received, responseDirectives(fields));
  return { policy, ageMs: initialAgeMs(received) + stored.resident_time * 1_000 };
}

const RUNS = { numRuns: 5_000 };

test("lifetimes and ages are those of the text, whatever the fields say", () => {
  fc.assert(
    fc.property(response, (stored) => {
      const { policy, ageMs } = policyAndAge(stored);
      expect(policy.lifetimeMs).toBeCloseTo(naive_freshness_lifetime(stored) * 1_000, 3);
      expect(ageMs).toBe(naive_current_age(stored) * 1_000);
    }),
    RUNS,
  );
});

test("what may be used without asking is what the text allows, whatever both sides say", () => {
  fc.assert(
    fc.property(response, request, (stored, asked) => {
      const { policy, ageMs } = policyAndAge(stored);
      const use = useOf(policy, ageMs, directivesOf(textOf(asked)));
      expect(use).toBe(naive_may_be_used(stored, asked) ? "fresh" : "validate");
    }),
    RUNS,
  );
});

test("of broken fields of any text nothing is fresh for less than no time, or younger than nothing", () => {
  const name = fc.constantFrom("cache-control", "expires", "date", "age", "last-modified");
  const piece = fc.constantFrom(
    "max-age",
    "=",
    "60",
    ",",
    '"',
    "\\",
    " ",
    "s-maxage",
    ";",
    "no-cache",
  );
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.array(piece).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text), { maxLength: 8 }), (lines) => {
      const fields = new Fields(lines);
      const responseMs = NOW_S * 1_000;
      const received = { status: 200, fields, requestMs: responseMs - 5, responseMs };
      const { lifetimeMs } = policyOf(received, responseDirectives(fields));
      expect(lifetimeMs).toBeGreaterThanOrEqual(0);
      expect(lifetimeMs).toBeLessThanOrEqual(Math.max(MOST * 1_000, 1e16));
      expect(initialAgeMs(received)).toBeGreaterThanOrEqual(5);
    }),
    RUNS,
  );
});

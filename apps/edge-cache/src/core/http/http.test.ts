import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { combined, isWhole } from "./combine.ts";
import { allowsRange, isAbout, isNotModified, validators } from "./conditional.ts";
import { formatHttpDate, httpDate } from "./dates.ts";
import { directivesOf, fieldNamesOf, responseDirectives, secondsOf } from "./directives.ts";
import type { FieldLine } from "./fields.ts";
import { Fields, endToEnd } from "./fields.ts";
import type { Policy } from "./freshness.ts";
import { initialAgeMs, policyOf } from "./freshness.ts";
import { contentRange, rangeSpec, resolveRange } from "./ranges.ts";
import { mayUseOnError, requestDirectives, useOf } from "./reuse.ts";
import { mayStore, storedFields, updatedFields } from "./storing.ts";
import { isSameSelection, selectingOf, selects } from "./vary.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const fieldsOf = (fields: Readonly<Record<string, string>>) => new Fields(Object.entries(fields));

describe("fields", () => {
  test("of one connection are not passed on, nor those that Connection names", () => {
    const lines: FieldLine[] = [
      ["connection", "X-Secret, close"],
      ["x-secret", "1"],
      ["transfer-encoding", "chunked"],
      ["etag", '"a"'],
    ];
    expect(endToEnd(new Fields(lines)).lines).toEqual([["etag", '"a"']]);
  });
});

describe("dates", () => {
  test.each([
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "sun, 06 nov 1994 08:49:37 gmt",
  ])("%s is read", (text) => expect(httpDate(text, NOW)).toBe(784_111_777_000));
  test.each([
    "0",
    "-1",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "06 Nov 1994 08:49:37 GMT",
    "",
  ])("%j is not", (text) => expect(httpDate(text, NOW)).toBeUndefined());
  test("two digits of a year are of this century up to 50 years ahead", () => {
    expect(new Date(httpDate("Sunday, 06-Nov-76 08:49:37 GMT", NOW)!).getUTCFullYear()).toBe(2076);
    expect(new Date(httpDate("Sunday, 06-Nov-77 08:49:37 GMT", NOW)!).getUTCFullYear()).toBe(1977);
  });
  test("what is written is read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        expect(httpDate(formatHttpDate(seconds * 1_000), NOW)).toBe(seconds * 1_000);
      }),
    );
  });
});

describe("directives", () => {
  test.each([
    ["max-age=60", 60],
    ["MAX-AGE=060", 60],
    ['max-age="60"', 60],
    ["max-age=60, max-age=5", 60],
    ['a="max-age=5", max-age=60', 60],
    ["max-age=99999999999", 2_147_483_648],
    ["max-age=-1", 0],
    ["max-age=1.5", 0],
    ["max-age='60'", 0],
    ["max-age =60", 0],
    ["max-age= 60", 0],
    ["max-age", 0],
    ["no-cache", undefined],
    ["", undefined],
    [", ,", undefined],
  ])("%s says %s seconds", (value, seconds) =>
    expect(secondsOf(directivesOf(value), "max-age")).toBe(seconds),
  );
  test("may be about some fields only", () => {
    const directives = directivesOf('no-cache="Set-Cookie, x-a", private');
    expect(fieldNamesOf(directives, "no-cache")).toEqual(new Set(["set-cookie", "x-a"]));
    expect(fieldNamesOf(directives, "private")).toBeUndefined();
  });
  test("of any text are read, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        for (const name of directivesOf(text).keys()) expect(name).toBe(name.toLowerCase());
      }),
    );
  });
  test("for caches like this one count instead of Cache-Control, unless they are malformed (RFC 9213)", () => {
    const told = (targeted: string) => {
      const { directives, isTargeted } = responseDirectives(
        fieldsOf({ "cdn-cache-control": targeted, "cache-control": "max-age=1" }),
      );
      return isTargeted ? Object.fromEntries(directives) : undefined;
    };
    expect(told("max-age=60, foo")).toEqual({ "max-age": "60", foo: "" });
    expect(told("no-store;a=1, max-age=2")).toEqual({ "no-store": "", "max-age": "2" });
    for (const malformed of [
      "max-age=60, &&",
      'max-age="60"',
      "max-age=1.5",
      "MaX-Age=60",
      "max-age = 60",
      "",
    ])
      expect(told(malformed)).toBeUndefined();
  });
});

describe("freshness", () => {
  const policy = (fields: Readonly<Record<string, string>>, status = 200) => {
    const all = fieldsOf({ date: formatHttpDate(NOW), ...fields });
    const received = { status, fields: all, requestMs: NOW, responseMs: NOW };
    return policyOf(received, responseDirectives(all));
  };
  const at = (seconds: number) => formatHttpDate(NOW + seconds * 1_000);

  test.each([
    [{ "cache-control": "max-age=60", expires: at(600) }, 60],
    [{ "cache-control": "max-age=60, s-maxage=5" }, 5],
    [{ expires: at(600) }, 600],
    [{ expires: at(-600) }, 0],
    [{ expires: "0" }, 0],
    [{ "cache-control": "max-age=x", expires: at(600) }, 0],
    [{ "cdn-cache-control": "foo", expires: at(600) }, 0],
    [{ "last-modified": at(-1_000) }, 100],
    [{ "last-modified": at(-100_000_000) }, 86_400],
    [{ "last-modified": at(1_000) }, 0],
    [{}, 0],
  ])("%j is fresh for %d s", (fields, seconds) =>
    expect(policy(fields as Record<string, string>).lifetimeMs).toBe(seconds * 1_000),
  );
  test("is guessed only for statuses that allow it, or where the response is public", () => {
    const fields = { "last-modified": at(-1_000) };
    expect(policy(fields, 404).lifetimeMs).toBe(100_000);
    expect(policy(fields, 403).lifetimeMs).toBe(0);
    expect(policy({ ...fields, "cache-control": "public" }, 599).lifetimeMs).toBe(100_000);
  });

  /** Word by word as section 4.2.3 has it. */
  function naiveAgeS(dateS: number, ageS: number, requestS: number, responseS: number): number {
    const apparent_age = Math.max(0, responseS - dateS);
    const response_delay = responseS - requestS;
    const corrected_age_value = ageS + response_delay;
    return Math.max(apparent_age, corrected_age_value);
  }

  test("ages are those of the standard's own arithmetic", () => {
    const seconds = fc.integer({ min: -100_000, max: 100_000 });
    const delay = fc.integer({ min: 0, max: 1_000 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 1e6 }), delay, (dateS, ageS, delayS) => {
        const fields = fieldsOf({ date: at(dateS), age: String(ageS) });
        const received = { status: 200, fields, requestMs: NOW - delayS * 1_000, responseMs: NOW };
        const nowS = NOW / 1_000;
        const expected = naiveAgeS(nowS + dateS, ageS, nowS - delayS, nowS);
        expect(initialAgeMs(received)).toBe(expected * 1_000);
      }),
    );
  });
  test.each([
    ["60", 60],
    ["60, 0", 60],
    ["0, 60", 0],
    ["-60", 0],
    ["60.5", 0],
    ["abc", 0],
  ])("Age: %s is %d s", (age, seconds) => {
    const fields = fieldsOf({ date: at(0), age });
    expect(initialAgeMs({ status: 200, fields, requestMs: NOW, responseMs: NOW })).toBe(
      seconds * 1_000,
    );
  });
});

describe("a stored response", () => {
  const POLICY: Policy = {
    lifetimeMs: 10_000,
    noCache: false,
    mustRevalidate: false,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: undefined,
  };
  const use = (ageS: number, asked = "", policy: Partial<Policy> = {}) =>
    useOf({ ...POLICY, ...policy }, ageS * 1_000, directivesOf(asked));

  test("is used while it is fresh, if neither side objects", () => {
    expect([use(9.9), use(10)]).toEqual(["fresh", "validate"]);
    expect(use(1, "", { noCache: true })).toBe("validate");
    expect(use(1, "no-cache")).toBe("validate");
    expect([use(1, "max-age=1"), use(2, "max-age=1")]).toEqual(["fresh", "validate"]);
    expect([use(1, "min-fresh=8"), use(3, "min-fresh=8")]).toEqual(["fresh", "validate"]);
  });
  test("is used stale only where that is allowed", () => {
    const behind = { staleWhileRevalidateMs: 5_000 };
    expect([use(14, "", behind), use(15, "", behind)]).toEqual(["behind", "validate"]);
    expect(use(14, "", { ...behind, mustRevalidate: true })).toBe("validate");
    expect([use(12, "max-stale=3"), use(14, "max-stale=3"), use(99, "max-stale")]).toEqual([
      "fresh",
      "validate",
      "fresh",
    ]);
    expect(use(12, "max-stale=3", { mustRevalidate: true })).toBe("validate");
  });
  test("is used when the origin fails, unless that is forbidden", () => {
    const onError = (ageS: number, policy: Partial<Policy>, asked = "") =>
      mayUseOnError({ ...POLICY, ...policy }, ageS * 1_000, directivesOf(asked), 1_000);
    expect([onError(11, {}), onError(12, {})]).toEqual([true, false]);
    expect(onError(12, { staleIfErrorMs: 5_000 })).toBe(true);
    expect(onError(12, {}, "stale-if-error=5")).toBe(true);
    expect(onError(11, { mustRevalidate: true })).toBe(false);
    expect(onError(11, { noCache: true })).toBe(false);
  });
  test("Pragma counts where Cache-Control is not there", () => {
    expect(requestDirectives(fieldsOf({ pragma: "No-Cache" })).has("no-cache")).toBe(true);
    const both = fieldsOf({ pragma: "no-cache", "cache-control": "max-age=1" });
    expect(requestDirectives(both).has("no-cache")).toBe(false);
  });
});

describe("storing", () => {
  const stores = (
    response: Readonly<Record<string, string>>,
    request: Readonly<Record<string, string>> = {},
    { status = 200, method = "GET", noStore = false } = {},
  ) => {
    const fields = fieldsOf(response);
    const received = { status, fields, requestMs: NOW, responseMs: NOW };
    return mayStore(
      { method, fields: fieldsOf(request), noStore },
      received,
      responseDirectives(fields),
    );
  };
  test.each([
    [{}, true],
    [{ "cache-control": "no-store, max-age=60" }, false],
    [{ "cache-control": "private" }, false],
    [{ "cache-control": 'private="set-cookie", max-age=60' }, true],
    [{ "cache-control": "no-store, must-understand" }, true],
    [{ "cdn-cache-control": "max-age=60", "cache-control": "no-store" }, true],
    [{ vary: "accept, *" }, false],
  ])("of %j: %s", (response, expected) =>
    expect(stores(response as Record<string, string>)).toBe(expected),
  );
  test("depends on status, method and request", () => {
    expect(stores({}, {}, { status: 403 })).toBe(false);
    expect(stores({ "cache-control": "max-age=60" }, {}, { status: 403 })).toBe(true);
    expect(stores({ "cache-control": "must-understand, max-age=60" }, {}, { status: 499 })).toBe(
      false,
    );
    expect(stores({ "cache-control": "max-age=60" }, {}, { method: "POST" })).toBe(false);
    expect(stores({}, {}, { noStore: true })).toBe(false);
    expect(stores({}, {}, { status: 304 })).toBe(false);
    const authorized = { authorization: "x" };
    expect(stores({ "cache-control": "max-age=60" }, authorized)).toBe(false);
    for (const allowing of ["public, max-age=1", "s-maxage=1", "must-revalidate, max-age=1"])
      expect(stores({ "cache-control": allowing }, authorized)).toBe(true);
  });
  test("leaves out fields that may not be kept", () => {
    const fields = fieldsOf({
      "cache-control": 'private="a", no-cache="B"',
      a: "1",
      b: "2",
      c: "3",
    });
    expect(storedFields(fields, responseDirectives(fields)).lines.map(([name]) => name)).toEqual([
      "cache-control",
      "c",
    ]);
  });
  test("a 304 brings news, but not of what describes the content", () => {
    const stored = fieldsOf({
      a: "1",
      etag: '"x"',
      "content-length": "5",
      "content-type": "a/b",
      old: "1",
    });
    const news = fieldsOf({ a: "2", etag: '"x"', "content-length": "0", "content-type": "c/d" });
    const updated = updatedFields(stored, news);
    expect(Object.fromEntries(updated.lines)).toEqual({
      a: "2",
      etag: '"x"',
      "content-length": "5",
      "content-type": "c/d",
      old: "1",
    });
  });
});

describe("variants", () => {
  const same = (name: string, left: string | undefined, right: string | undefined) => {
    const request = (value: string | undefined) =>
      fieldsOf(value === undefined ? {} : { [name]: value });
    const response = fieldsOf({ vary: name });
    return selects(selectingOf(response, request(left)), request(right), response);
  };
  test("are told apart by what the origin looked at, in a normal form", () => {
    expect(same("x-a", "1", "1")).toBe(true);
    expect(same("x-a", "1,2", "1 ,  2")).toBe(true);
    expect(same("x-a", "1", "2")).toBe(false);
    expect(same("x-a", "1", undefined)).toBe(false);
    expect(same("x-a", undefined, undefined)).toBe(true);
    expect(same("x-a", "a", "A")).toBe(false);
    expect(same("accept-language", "en, de", "DE ,en;q=1")).toBe(true);
    expect(same("accept-language", "en, de;q=0.5", "de, en;q=0.5")).toBe(false);
    expect(same("accept-encoding", "gzip, br", "br,gzip")).toBe(true);
  });
  test("in the language that is liked best is what the origin would choose", () => {
    const response = fieldsOf({ vary: "Accept-Language", "content-language": "de" });
    const selecting = selectingOf(response, fieldsOf({ "accept-language": "en, de" }));
    expect(selects(selecting, fieldsOf({ "accept-language": "fr;q=0.5, de" }), response)).toBe(
      true,
    );
    expect(selects(selecting, fieldsOf({ "accept-language": "fr, de" }), response)).toBe(false);
  });
  test("of one selection take each other's place", () => {
    const selecting = (vary: string, value: string) =>
      selectingOf(fieldsOf({ vary }), fieldsOf({ a: value }));
    expect(isSameSelection(selecting("A, b", "1"), selecting("B, a", "1"))).toBe(true);
    expect(isSameSelection(selecting("a", "1"), selecting("a", "2"))).toBe(false);
    expect(isSameSelection(selecting("a", "1"), selecting("a, b", "1"))).toBe(false);
  });
});

describe("conditions", () => {
  const stored = fieldsOf({
    etag: '"a"',
    "last-modified": formatHttpDate(NOW),
    date: formatHttpDate(NOW),
  });
  const has = (request: Readonly<Record<string, string>>, of = stored) =>
    isNotModified(fieldsOf(request), of, NOW);
  test("If-None-Match compares weakly, and goes before If-Modified-Since", () => {
    for (const match of ['"a"', 'W/"a"', '"b", "a"', "*", '"b,c", W/"a"'])
      expect(has({ "if-none-match": match })).toBe(true);
    expect(has({ "if-none-match": '"b"', "if-modified-since": formatHttpDate(NOW) })).toBe(false);
    expect(has({ "if-none-match": '"a"' }, fieldsOf({}))).toBe(false);
  });
  test("If-Modified-Since compares dates in any form; Date stands for Last-Modified", () => {
    expect(has({ "if-modified-since": formatHttpDate(NOW) })).toBe(true);
    expect(has({ "if-modified-since": formatHttpDate(NOW - 1_000) })).toBe(false);
    expect(has({ "if-modified-since": "nonsense" })).toBe(false);
    const dated = fieldsOf({ date: formatHttpDate(NOW) });
    expect(has({ "if-modified-since": formatHttpDate(NOW) }, dated)).toBe(true);
    expect(has({})).toBe(false);
  });
  test("the cache asks with what it has, and knows its own answer again", () => {
    expect(validators(stored)).toEqual([
      ["if-none-match", '"a"'],
      ["if-modified-since", formatHttpDate(NOW)],
    ]);
    expect(isAbout(fieldsOf({ etag: 'W/"a"' }), stored)).toBe(true);
    expect(isAbout(fieldsOf({ etag: '"b"' }), stored)).toBe(false);
  });
  test("If-Range needs a strong tag, or the same date", () => {
    const allows = (condition: string) => allowsRange(fieldsOf({ "if-range": condition }), stored);
    expect([allows('"a"'), allows('W/"a"'), allows('"b"'), allows(formatHttpDate(NOW))]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});

describe("ranges", () => {
  const bytes = Buffer.from("0123456789");
  const cut = (range: string) => {
    const spec = rangeSpec(range);
    const resolved = spec && resolveRange(spec, bytes.length);
    return typeof resolved === "object"
      ? bytes.toString("latin1", resolved.first, resolved.last + 1)
      : resolved;
  };
  test.each([
    ["bytes=0-1", "01"],
    ["bytes=8-", "89"],
    ["bytes=8-99", "89"],
    ["bytes=-3", "789"],
    ["bytes=-99", "0123456789"],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=3-1", undefined],
    ["bytes=0-1,3-4", undefined],
    ["items=0-1", undefined],
    ["bytes=-", undefined],
  ])("%s is %s", (range, expected) => expect(cut(range)).toBe(expected));

  test("parts of one content are put together wherever they touch", () => {
    const part = (first: number, last: number, etag = '"a"') => ({
      fields: fieldsOf({ etag }),
      body: bytes.subarray(first, last + 1),
      range: { first, last, total: 10 },
    });
    const position = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(position, position, position, position, (a, b, c, d) => {
        const left = part(Math.min(a, b), Math.max(a, b));
        const right = part(Math.min(c, d), Math.max(c, d));
        const whole = combined(left, right);
        const gap =
          Math.max(left.range.first, right.range.first) -
          Math.min(left.range.last, right.range.last);
        expect(whole === undefined).toBe(gap > 1);
        if (!whole) return;
        expect(whole.body).toEqual(bytes.subarray(whole.range.first, whole.range.last + 1));
        expect(isWhole(whole.range)).toBe(whole.body.length === 10);
      }),
    );
    expect(combined(part(0, 4), part(5, 9, '"b"'))).toBeUndefined();
    expect(combined(part(0, 4, 'W/"a"'), part(5, 9, 'W/"a"'))).toBeUndefined();
  });
  test.each(["bytes 4-9/9", "bytes 5-4/10", "bytes */10", "bytes 1-2", "items 1-2/3", ""])(
    "Content-Range: %j is none",
    (value) => expect(contentRange(value)).toBeUndefined(),
  );
});

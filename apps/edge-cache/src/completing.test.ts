/** Parts that are stored, and what is asked of the origin to complete them. */
import fc from "fast-check";
import { expect, test } from "vitest";

import { startBoth } from "./both.testing.ts";
import { missingOf } from "./core/http/missing.ts";
import { contentRange, rangeSpec, resolveRange } from "./core/http/ranges.ts";

const BYTES = "0123456789abcdefghij";

/** An origin of one object, with what it was asked for: "bytes=0-4", and If-Range behind it. */
async function startParts(etags: readonly string[] = ['"v1"'], isOdd = false) {
  const ranges: string[] = [];
  const both = await startBoth((request, response) => {
    const { range, "if-range": ifRange } = request.headers;
    ranges.push([range ?? "-", ...(ifRange === undefined ? [] : [String(ifRange)])].join(" "));
    const etag = etags[Math.min(ranges.length, etags.length) - 1]!;
    response.setHeader("cache-control", "max-age=60").setHeader("etag", etag);
    response.setHeader("x-answer", ranges.length);
    const spec = rangeSpec(range);
    const resolved = spec && resolveRange(spec, BYTES.length);
    const isRanged = ifRange === undefined || ifRange === etag || isOdd;
    if (!resolved || resolved === "unsatisfiable" || !isRanged) return response.end(BYTES);
    const { first, last } = resolved;
    response.setHeader("content-range", `bytes ${first}-${last}/${BYTES.length}`);
    return response.writeHead(206).end(BYTES.slice(first, last + 1));
  });
  const get = async (range?: string, more: Record<string, string> = {}) => {
    const headers = { ...(range !== undefined && { range: `bytes=${range}` }), ...more };
    const { status, text, headers: fields, how } = await both.get("/1.m4s", { headers });
    expect(fields.get("content-length")).toBe(String(text.length));
    return { status, text, how, range: fields.get("content-range"), fields };
  };
  return { ranges, get, both, [Symbol.asyncDispose]: () => both[Symbol.asyncDispose]() };
}

test("what is missing behind a stored part is asked for, and given with it", async () => {
  await using parts = await startParts();
  await parts.get("0-9");
  const got = await parts.get("5-14");
  expect(got).toMatchObject({ status: 206, text: "56789abcde", range: "bytes 5-14/20" });
  expect(got.how).toBe("fwd=partial; fwd-status=206; stored");
  expect(await parts.get("2-12")).toMatchObject({ status: 206, text: "23456789abc" });
  expect(parts.ranges).toEqual(["bytes=0-9", 'bytes=10-14 "v1"']);
});

test("what is missing before a stored part is asked for; the fields are the new ones", async () => {
  await using parts = await startParts();
  await parts.get("10-");
  const got = await parts.get("5-12");
  expect(got).toMatchObject({ status: 206, text: "56789abc", range: "bytes 5-12/20" });
  expect(got.fields.get("x-answer")).toBe("2");
  expect(parts.ranges).toEqual(["bytes=10-", 'bytes=5-9 "v1"']);
});

test("the whole is made of a part and the rest, and is whole then", async () => {
  await using parts = await startParts();
  await parts.get("0-9");
  expect(await parts.get()).toMatchObject({ status: 200, text: BYTES, range: null });
  expect((await parts.get()).how).toMatch(/^hit/);
  expect(await parts.get("-3")).toMatchObject({ status: 206, text: "hij" });
  expect(parts.ranges).toEqual(["bytes=0-9", 'bytes=10-19 "v1"']);
});

test("another content is not joined with the part, whatever the origin makes of If-Range", async () => {
  for (const isOdd of [false, true]) {
    await using parts = await startParts(['"v1"', '"v2"'], isOdd);
    await parts.get("0-9");
    const got = await parts.get("5-14");
    expect(got.status).toBe(isOdd ? 206 : 200);
    expect(got.text).toBe(isOdd ? "56789abcde" : BYTES);
    const again = isOdd ? ["bytes=5-14"] : [];
    expect(parts.ranges).toEqual(["bytes=0-9", 'bytes=10-14 "v1"', ...again]);
  }
});

test("nothing is joined without a strong tag, around a part in the middle, or against If-Range of the client", async () => {
  await using weak = await startParts(['W/"v1"']);
  await weak.get("0-9");
  await weak.get("5-14");
  expect(weak.ranges).toEqual(["bytes=0-9", "bytes=5-14"]);
  await using middle = await startParts();
  await middle.get("8-9");
  await middle.get("5-14");
  expect(middle.ranges).toEqual(["bytes=8-9", "bytes=5-14"]);
  await using other = await startParts();
  await other.get("0-9");
  await other.get("5-14", { "if-range": '"v0"' });
  expect(other.ranges).toEqual(["bytes=0-9", 'bytes=5-14 "v0"']);
});

test("a rest that is shorter than it says is cut off", async () => {
  await using both = await startBoth((request, response) => {
    response.setHeader("cache-control", "max-age=60").setHeader("etag", '"v1"');
    const range = contentRange(`${request.headers.range?.replace("=", " ")}/20`)!;
    response.setHeader("content-range", `bytes ${range.first}-${range.last}/20`);
    return response.writeHead(206).end(BYTES.slice(range.first, Math.min(range.last, 11) + 1));
  });
  await both.get("/a", { headers: { range: "bytes=0-9" } });
  await expect(both.get("/a", { headers: { range: "bytes=5-14" } })).rejects.toThrow();
});

test("part and missing range are what is wanted, once each", () => {
  const position = fc.integer({ min: 0, max: 12 });
  const range = fc
    .tuple(position, position)
    .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
  fc.assert(
    fc.property(range, range, (part, wanted) => {
      const missing = missingOf(part, wanted);
      const isIn = ({ first, last }: typeof part, at: number) => first <= at && at <= last;
      const lacking = Array.from({ length: 13 }, (_, at) => at).filter(
        (at) => isIn(wanted, at) && !isIn(part, at),
      );
      if (!missing) return;
      expect(lacking).toEqual(
        Array.from({ length: missing.last + 1 - missing.first }, (_, at) => missing.first + at),
      );
      expect(lacking.length).toBeLessThan(wanted.last + 1 - wanted.first);
    }),
  );
});

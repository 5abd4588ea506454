import { expect, test } from "vitest";

import { Fields } from "../http/fields.ts";
import type { Policy } from "../http/freshness.ts";
import { isForDisk, isRenewalDue, isSameButTimes } from "./disk-rules.ts";

const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n1.m4s\n";

function response(policy: Partial<Policy>, body = "body", status = 200) {
  const none = { noCache: false, mustRevalidate: false, staleWhileRevalidateMs: 0 };
  return {
    status,
    fields: new Fields([
      ["etag", '"e"'],
      ["date", "Sun, 06 Nov 1994 08:49:37 GMT"],
    ]),
    policy: { lifetimeMs: 0, staleIfErrorMs: undefined, ...none, ...policy },
    bornMs: 1_000,
    body: Buffer.from(body),
  };
}

const hour = { lifetimeMs: 3_600_000 };

test.each([
  ["a segment", "/1.m4s", response({ lifetimeMs: 1_000 }), true],
  ["a page that is fresh for long", "/page?x.m3u8", response(hour), true],
  ["a page that is used while the origin is away", "/page", response({}), true],
  ["one that must not", "/page", response({ mustRevalidate: true }), false],
  ["one that is stale soon", "/page", response({ lifetimeMs: 9_000, staleIfErrorMs: 0 }), false],
  ["one revalidated in peace", "/a", response({ staleWhileRevalidateMs: 60_000 }), true],
  ["one that is always asked about", "/a", response({ ...hour, noCache: true }), false],
  ["a segment that is not there yet", "/1.m4s", response({ lifetimeMs: 250 }, "", 404), false],
  ["a page that is gone for long", "/page", response(hour, "", 410), true],
  ["a live playlist", "/v.m3u8?_HLS_msn=5", response(hour, MEDIA), false],
  ["a playlist that has ended", "/v.m3u8", response(hour, `${MEDIA}#EXT-X-ENDLIST\n`), true],
])("what goes to disk: %s", (_what, key, stored, expected) => {
  expect(isForDisk(key, stored, stored.bornMs)).toBe(expected);
});

test("what has become old does not go to disk any more", () => {
  const stored = response({ lifetimeMs: 60_000, staleIfErrorMs: 0 });
  expect(isForDisk("/a", stored, stored.bornMs + 49_000)).toBe(true);
  expect(isForDisk("/a", stored, stored.bornMs + 51_000)).toBe(false);
});

test("a renewal that moves nothing but times is told apart from one that says more", () => {
  const before = response(hour);
  const later = {
    ...before,
    bornMs: 9_000,
    fields: before.fields.without(new Set(["date"])).with(["date", "later"]),
  };
  expect(isSameButTimes(before, later)).toBe(true);
  expect(isSameButTimes(before, { ...later, body: Buffer.from("body") })).toBe(false);
  expect(isSameButTimes(before, { ...later, policy: { ...later.policy, noCache: true } })).toBe(
    false,
  );
  expect(isSameButTimes(before, { ...later, fields: later.fields.with(["x", "1"]) })).toBe(false);
});

test("a renewal is written once in half a lifetime", () => {
  const { policy } = response({ lifetimeMs: 60_000 });
  const at = (bornMs: number) => ({ ...response({}), policy, bornMs });
  expect(isRenewalDue(at(30_999), 1_000)).toBe(false);
  expect(isRenewalDue(at(31_000), 1_000)).toBe(true);
});

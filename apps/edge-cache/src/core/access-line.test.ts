import fc from "fast-check";
import { expect, test } from "vitest";

import type { AccessEntry } from "./access-line.ts";
import { LINE_MAX_BYTES, accessLine } from "./access-line.ts";

const ENTRY: AccessEntry = {
  timeMs: Date.UTC(2026, 10, 21, 20, 5, 9, 40),
  remoteAddress: "127.0.0.1",
  client: undefined,
  method: "GET",
  target: "/live/cam-0001/index.m3u8",
  httpVersion: "1.1",
  status: 200,
  sentBytes: 1_024,
  referer: undefined,
  userAgent: "AppleCoreMedia/1.0 (iPhone)",
  result: "hit",
  firstByteMs: 0.4449,
};

/** Strict: nothing but what the format allows. */
const COMBINED =
  /^([\da-f.:]+|-) - (\S+) \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000)\] "([^" ]*) ([^" ]*) HTTP\/([\d.]+)" (\d{3}) (\d+) "([^"]*)" "([^"]*)" "([^"]*)" "([\d.]+)"$/;

test("is the Combined Log Format, and how it was served behind it", () => {
  expect(accessLine(ENTRY)).toBe(
    '127.0.0.1 - - [21/Nov/2026:20:05:09 +0000] "GET /live/cam-0001/index.m3u8 HTTP/1.1" 200 1024 "-" "AppleCoreMedia/1.0 (iPhone)" "hit" "0.44"',
  );
});

test("whatever a client sends, it is one line that a strict reader takes apart again", () => {
  // What Node's parser lets through: in a target all but white space and controls, in fields bytes from 0x20 on.
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
    maxLength: 3_000,
  });
  const target = bytes.map((text) => `/${text.replaceAll(" ", "")}`);
  const fields = fc.record({
    target,
    referer: bytes,
    userAgent: bytes,
    client: fc.string({ unit: "binary" }),
  });
  fc.assert(
    fc.property(fields, (more) => {
      const line = accessLine({ ...ENTRY, ...more });
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      expect(line.length).toBeLessThan(LINE_MAX_BYTES);
      expect(line).toMatch(COMBINED);
    }),
  );
});

test("a forged line stays in its field, and a token is not told", () => {
  const forged = 'x" 200 1\n127.0.0.1 - root [..] "GET /forged HTTP/1.1';
  const line = accessLine({
    ...ENTRY,
    client: 'eve "\n',
    userAgent: forged,
    target: "/a?access_token=eyJhbGciOiJFZERTQSJ9.e30.c2ln&b=1",
    referer: "http://page/?access_token=secret",
  });
  const [, , user, , , target, , , , referer, userAgent] = COMBINED.exec(line)!;
  expect(user).toBe("eve\\x20\\x22\\x0A");
  expect(target).toBe("/a?access_token=REDACTED&b=1");
  expect(referer).toBe("http://page/?access_token=REDACTED");
  expect(userAgent).toContain("x\\x22 200 1\\x0A127.0.0.1 - root");
});

/**
 * Requests whose end two servers could see at different places (RFC 9112 section 11.2): each hides a second one, which the origin must
 * never be asked.
 */
import { buffer } from "node:stream/consumers";

import { expect, test } from "vitest";

import { raw, startBoth } from "./both.testing.ts";

interface Seen {
  line: string;
  body: string;
  /** How many fields say where its body ends. */
  framings: number;
}

/** An origin that notes what came to its end. */
async function startRecorder() {
  const seen: Seen[] = [];
  const both = await startBoth(async (request, response) => {
    const body = (await buffer(request).catch(() => Buffer.alloc(0))).toString("latin1");
    const { method, url, complete, headers } = request;
    const framings = ["content-length", "transfer-encoding"].filter(
      (name) => name in headers,
    ).length;
    if (complete) seen.push({ line: `${method} ${url}`, body, framings });
    response.setHeader("cache-control", "no-store").end("ok");
  });
  return { ...both, seen, [Symbol.asyncDispose]: () => both[Symbol.asyncDispose]() };
}

const HOST = "Host: localhost\r\n";
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const post = (fields: string, body: string, version = "1.1") =>
  `POST /a HTTP/${version}\r\n${HOST}${fields}\r\n${body}`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";

const REFUSED: readonly (readonly [what: string, status: number, text: string])[] = [
  ["a length and chunks", 400, post(`Content-Length: 5\r\n${CHUNKED}`, `0\r\n\r\n${HIDDEN}`)],
  ["chunks and a length", 400, post(`${CHUNKED}Content-Length: 5\r\n`, `0\r\n\r\n${HIDDEN}`)],
  ["two lengths", 400, post("Content-Length: 5\r\nContent-Length: 0\r\n", HIDDEN)],
  ["two lengths in a line", 400, post("Content-Length: 0, 5\r\n", HIDDEN)],
  ["a length with a sign", 400, post("Content-Length: +0\r\n", HIDDEN)],
  ["a negative length", 400, post("Content-Length: -1\r\n", HIDDEN)],
  ["a hexadecimal length", 400, post("Content-Length: 0x0\r\n", HIDDEN)],
  ["a length with letters", 400, post("Content-Length: 0a\r\n", HIDDEN)],
  ["a length beyond 64 bits", 400, post("Content-Length: 18446744073709551616\r\n", HIDDEN)],
  ["white space before the colon", 400, post("Content-Length : 0\r\n", HIDDEN)],
  [
    "white space before the colon of a coding",
    400,
    post("Transfer-Encoding : chunked\r\n", HIDDEN),
  ],
  ["a coding over another one", 501, post("Transfer-Encoding: gzip, chunked\r\n", chunked(HIDDEN))],
  ["codings in two lines", 501, post(`Transfer-Encoding: gzip\r\n${CHUNKED}`, chunked(HIDDEN))],
  ["chunks in chunks", 400, post("Transfer-Encoding: chunked, chunked\r\n", chunked(HIDDEN))],
  ["an unknown coding", 501, post("Transfer-Encoding: xchunked\r\n", chunked(HIDDEN))],
  ["identity", 501, post("Transfer-Encoding: identity\r\n", HIDDEN)],
  [
    "a coding behind chunks",
    400,
    post("Transfer-Encoding: chunked, identity\r\n", chunked(HIDDEN)),
  ],
  ["a coding with a parameter", 501, post("Transfer-Encoding: chunked;a=1\r\n", chunked(HIDDEN))],
  ["a quoted coding", 501, post('Transfer-Encoding: "chunked"\r\n', chunked(HIDDEN))],
  ["a vertical tab", 400, post("Transfer-Encoding: \x0bchunked\r\n", chunked(HIDDEN))],
  ["an empty coding", 400, post("Transfer-Encoding:\r\n", chunked(HIDDEN))],
  ["a folded coding", 400, post("Transfer-Encoding:\r\n chunked\r\n", chunked(HIDDEN))],
  ["a folded line", 400, post("X-A: 1\r\n Content-Length: 5\r\n", HIDDEN)],
  ["a first line that is folded", 400, `POST /a HTTP/1.1\r\n ${HOST}\r\n${HIDDEN}`],
  ["a bare line feed", 400, post("X-A: 1\nContent-Length: 0\r\n", HIDDEN)],
  ["bare line feeds only", 400, `POST /a HTTP/1.1\nHost: localhost\n\n${HIDDEN}`],
  ["a bare carriage return", 400, post(`X-A: 1\r${CHUNKED}`, chunked(HIDDEN))],
  ["a zero byte", 400, post("X-A: 1\0\r\n", HIDDEN)],
  ["a line without a colon", 400, post("X-A\r\n", HIDDEN)],
  ["a line without a name", 400, post(": 1\r\n", HIDDEN)],
  ["chunks in HTTP/1.0", 400, post(CHUNKED, chunked(HIDDEN), "1.0")],
  ["a line alone", 505, `GET /a\r\n\r\n${HIDDEN}`],
  ["HTTP/0.9", 505, `GET /a HTTP/0.9\r\n${HOST}\r\n${HIDDEN}`],
  ["HTTP/2.0", 505, post("", HIDDEN, "2.0")],
  ["HTTP in small letters", 400, `GET /a http/1.1\r\n${HOST}\r\n${HIDDEN}`],
  ["a word too many", 400, `GET /a /b HTTP/1.1\r\n${HOST}\r\n${HIDDEN}`],
  ["no host", 400, `GET /a HTTP/1.1\r\n\r\n`],
  ["two hosts", 421, `GET /a HTTP/1.1\r\n${HOST}Host: evil.example\r\nConnection: close\r\n\r\n`],
  [
    "a target at another host",
    421,
    `GET http://evil.example/a HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  ],
];

test.each(REFUSED)("refused: %s", async (_what, status, text) => {
  await using recorder = await startRecorder();
  const got = await raw(recorder.port, text);
  expect(got).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(got.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  expect(recorder.origin.asked).toEqual([]);
});

/** Their heads are right: the origin has been asked when they show that they are not, and does not get them whole. */
test.each([
  ["with a prefix", `0x2\r\nhi\r\n0\r\n\r\n${HIDDEN}`],
  ["with a sign", `+2\r\nhi\r\n0\r\n\r\n${HIDDEN}`],
  ["with a space before it", ` 2\r\nhi\r\n0\r\n\r\n${HIDDEN}`],
  ["beyond 64 bits", `10000000000000002\r\nhi\r\n0\r\n\r\n${HIDDEN}`],
  ["with a bare line feed", `2\nhi\r\n0\r\n\r\n${HIDDEN}`],
  ["with a line feed in its extension", `2;a\nhi\r\n0\r\n\r\n${HIDDEN}`],
  ["that is too small", `1\r\nhi\r\n0\r\n\r\n${HIDDEN}`],
])("cut off: chunks of a size %s", async (_what, body) => {
  await using recorder = await startRecorder();
  await raw(recorder.port, post(CHUNKED, body));
  expect(recorder.seen).toEqual([]);
  expect(recorder.origin.asked.filter((line) => line.includes("hidden"))).toEqual([]);
});

test("what is right comes as it was meant, and is framed anew", async () => {
  await using recorder = await startRecorder();
  const end = `GET /end HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
  const send = (text: string) => raw(recorder.port, text + end);
  await send(post(CHUNKED, chunked(HIDDEN)));
  await send(post(`Content-Length: ${HIDDEN.length}\r\n`, HIDDEN));
  await send(post("Transfer-Encoding: CHUNKED\r\n", chunked("hi")));
  // Lengths that the client declares to be of this connection are none for the origin, either.
  await send(post("Content-Length: 2\r\nConnection: content-length\r\n", "hi"));
  // A body of a GET is not passed on.
  await send(`GET /a HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`);
  const one = { line: "POST /a", framings: 1 };
  expect(recorder.seen.filter(({ line }) => line !== "GET /end")).toEqual([
    { ...one, body: HIDDEN },
    { ...one, body: HIDDEN },
    { ...one, body: "hi" },
    { ...one, body: "hi" },
    { line: "GET /a", body: "", framings: 0 },
  ]);
});

/** The HTTP of viewers, byte by byte where a client library would hide it. */
import { expect, test } from "vitest";

import { raw, startBoth as startPlainBoth } from "./both.testing.ts";

const startBoth = (...words: readonly string[]) =>
  startPlainBoth((request, response) => {
    if (request.url === "/hints") response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    response.setHeader("cache-control", "max-age=60").setHeader("trailer", "x-digest");
    response.addTrailers({ "x-digest": "abc" });
    response.write(`${request.headers["x-seen"] ?? "-"};${request.headers.via}`);
    response.end();
  }, words);

const HOST = "Host: localhost\r\n";

test("a target may name its host; several hosts are none (RFC 9112 section 3.2)", async () => {
  await using both = await startBoth();
  const rest = `${HOST}Connection: close\r\n\r\n`;
  expect(await raw(both.port, `GET http://localhost/a?b HTTP/1.1\r\n${rest}`)).toMatch(
    /^HTTP\/1\.1 200 /,
  );
  expect(await raw(both.port, `GET http://evil.example/a HTTP/1.1\r\n${rest}`)).toMatch(
    /^HTTP\/1\.1 421 /,
  );
  expect(await raw(both.port, `GET /a HTTP/1.1\r\nHost: localhost\r\n${rest}`)).toMatch(
    /^HTTP\/1\.1 421 /,
  );
  expect(both.origin.asked).toEqual(["GET /a?b"]);
});

test("fields of the connection stay on it, and the way is told", async () => {
  await using both = await startBoth();
  const got = await raw(
    both.port,
    `GET /a HTTP/1.1\r\n${HOST}X-Seen: yes\r\nConnection: x-seen, close\r\n\r\n`,
  );
  expect(got).toContain("-;1.1 edge-1");
  expect(got).toMatch(/\r\nvia: 1\.1 edge-1\r\n/i);
  expect(got).toMatch(/\r\ncache-status: "edge-1"; fwd=uri-miss; fwd-status=200; stored\r\n/i);
});

test("early hints and trailers come through", async () => {
  await using both = await startBoth();
  const got = await raw(both.port, `GET /hints HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  expect(got).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n/i);
  expect(got).toMatch(/\r\n0\r\nx-digest: abc\r\n\r\n$/i);
  const old = await raw(both.port, `GET /hints?2 HTTP/1.0\r\n${HOST}\r\n`);
  expect(old).toMatch(/^HTTP\/1\.1 200 /);
});

test("other hosts, pages of other origins and odd addresses are refused; allowed pages are told so", async () => {
  await using both = await startBoth(
    "--allowed-origin=http://page.example",
    "--allowed-host=tv.example",
  );
  const get = (path: string, fields: string) =>
    raw(both.port, `GET ${path} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`);
  expect(await get("/a", "Host: evil.example\r\n")).toMatch(
    /^HTTP\/1\.1 421 [^]*Host: got \\"evil\.example\\"/,
  );
  expect(await get("/a", `${HOST}Origin: http://evil.example\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
  expect(await get("/a", "Host: TV.example:80\r\n")).toMatch(/^HTTP\/1\.1 200 /);
  const allowed = await get("/a", `${HOST}Origin: http://page.example\r\n`);
  expect(allowed).toMatch(/access-control-allow-origin: http:\/\/page\.example\r\n/i);
  expect(allowed).toMatch(/vary: Origin\r\n/i);
  expect(await get("/a/../b", HOST)).toMatch(/^HTTP\/1\.1 400 [^]*expected a normal path/);
  expect(await get(`/${"a".repeat(5_000)}`, HOST)).toMatch(/^HTTP\/1\.1 414 /);
  expect(await get("/a", `${HOST}X-Long: ${"a".repeat(20_000)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
});

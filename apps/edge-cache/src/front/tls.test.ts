/** TLS with HTTP/2 and HTTP/1.1 for viewers. */
import { once } from "node:events";
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { connect as connectH2 } from "node:http2";
import { get } from "node:https";
import type { TLSSocket } from "node:tls";
import { connect as connectTls } from "node:tls";

import { expect, test } from "vitest";

import { startEdge, startOrigin } from "../edge-cache.testing.ts";
import type { Frame } from "./h2-raw.testing.ts";
import { FLAG, FRAME, asks, fieldBlock, frame, rawH2 } from "./h2-raw.testing.ts";
import { startPair } from "./tls.testing.ts";

const LARGE = Buffer.alloc(2_097_152, "0123456789abcdef");

async function startBoth(...words: readonly string[]) {
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await startPair());
  /** Questions that came to the origin whole. */
  const finished: string[] = [];
  const origin = stack.use(
    await startOrigin((request, response) => {
      if (request.url === "/hints") response.writeEarlyHints({ link: "</a.css>; rel=preload" });
      response.setHeader("cache-control", "max-age=60").setHeader("connection", "x-hop");
      response.setHeader("x-hop", "1").setHeader("keep-alive", "timeout=9");
      response.setHeader("http2-settings", "AAMAAABkAAQAAP__").setHeader("upgrade", "h2c");
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      if (request.url === "/odd") response.statusCode = 799;
      if (request.url === "/large") return response.end(LARGE);
      response.setHeader("trailer", "x-digest").addTrailers({ "x-digest": "abc" });
      const { host: _host, ...about } = request.headers;
      response.write(JSON.stringify(about));
      request.on("data", (chunk: Buffer) => response.write(chunk));
      request.on("end", () => {
        finished.push(`${request.method} ${request.url}`);
        response.end();
      });
    }),
  );
  const edge = stack.use(await startEdge(origin.url, [...pair.words, ...words]));
  const owned = stack.move();
  const { port } = edge.addresses;
  const session = (): ClientHttp2Session =>
    owned.adopt(connectH2(`https://localhost:${port}`, { ca: pair.ca }), (one) => one.destroy());
  return {
    ...edge.addresses,
    pair,
    origin,
    finished,
    session,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Got {
  fields: IncomingHttpHeaders;
  informed: IncomingHttpHeaders[];
  trailers: IncomingHttpHeaders;
  body: Buffer;
  code: number;
}

async function ask(
  session: ClientHttp2Session,
  fields: OutgoingHttpHeaders,
  body?: string,
): Promise<Got> {
  const stream = session.request(fields, { endStream: body === undefined });
  const got: Got = { fields: {}, informed: [], trailers: {}, body: Buffer.alloc(0), code: 0 };
  const chunks: Buffer[] = [];
  stream.on("response", (all) => (got.fields = all)).on("headers", (all) => got.informed.push(all));
  stream
    .on("trailers", (all) => (got.trailers = all))
    .on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  if (body !== undefined) stream.end(body);
  await new Promise((resolve) => stream.once("close", resolve));
  return { ...got, body: Buffer.concat(chunks), code: stream.rstCode };
}

test("HTTP/2 and HTTP/1.1 have one port and the same answers", async () => {
  await using both = await startBoth();
  const session = both.session();
  const first = await ask(session, { ":path": "/a" });
  expect(first.fields).toMatchObject({ ":status": 200, "cache-control": "max-age=60" });
  const second = await ask(session, { ":path": "/a" });
  expect(second.body).toEqual(first.body);
  expect(second.fields["cache-status"]).toMatch(/^"edge-1"; hit; ttl=/);
  const agreed = async (words: readonly string[]) => {
    const { promise, resolve } = Promise.withResolvers<[string, IncomingHttpHeaders]>();
    const options = { ca: both.pair.ca, ALPNProtocols: [...words] };
    get(`https://localhost:${both.port}/a`, options, (answer) => {
      answer.resume();
      resolve([answer.httpVersion, answer.headers]);
    });
    return promise;
  };
  const [version, fields] = await agreed(["http/1.1"]);
  expect(version).toBe("1.1");
  expect(fields["cache-status"]).toMatch(/; hit; /);
  expect(both.origin.asked).toEqual(["GET /a"]);
});

test("fields of a connection are none of HTTP/2's (RFC 9113 section 8.2.2)", async () => {
  await using both = await startBoth();
  const session = both.session();
  const { fields } = await ask(session, { ":path": "/a" });
  const others = ["keep-alive", "transfer-encoding", "trailer", "http2-settings", "upgrade"];
  for (const name of ["connection", "x-hop", ...others]) expect(fields[name]).toBeUndefined();
  expect(fields["via"]).toBe("1.1 edge-1");
  expect(fields["set-cookie"]).toEqual(["a=1", "b=2"]);
});

test("a status that is none is 502, from the origin and from the store", async () => {
  await using both = await startBoth();
  const session = both.session();
  for (const _round of [1, 2])
    expect((await ask(session, { ":path": "/odd" })).fields[":status"]).toBe(502);
  expect((await ask(session, { ":path": "/a" })).fields[":status"]).toBe(200);
});

test("the origin is asked as by HTTP/1.1: cookies in one line, no pseudo fields, and the body", async () => {
  await using both = await startBoth();
  const session = both.session();
  const cookie = ["a=1", "b=2"];
  const { body } = await ask(
    session,
    { ":path": "/a", ":method": "POST", cookie, te: "trailers" },
    "hello",
  );
  const [, told, sent] = /^(\{.*\})(.*)$/.exec(body.toString())!;
  expect(JSON.parse(told!)).toMatchObject({ cookie: "a=1; b=2", via: "1.1 edge-1" });
  expect(told).not.toContain('"te"');
  expect(sent).toBe("hello");
});

test("HEAD, ranges, conditions, early hints and trailers are as they are", async () => {
  await using both = await startBoth();
  const session = both.session();
  const large = await ask(session, { ":path": "/large" });
  expect(large.body.equals(LARGE)).toBe(true);
  const again = await ask(session, { ":path": "/large" });
  expect(again.body.equals(LARGE)).toBe(true);
  expect(again.fields["content-length"]).toBe(String(LARGE.length));
  const range = await ask(session, { ":path": "/large", range: "bytes=1-3" });
  expect(range.fields[":status"]).toBe(206);
  expect(range.body.toString()).toBe("123");
  const head = await ask(session, { ":path": "/large", ":method": "HEAD" });
  expect([head.fields["content-length"], head.body.length]).toEqual([String(LARGE.length), 0]);
  const hints = await ask(session, { ":path": "/hints" });
  expect(hints.informed).toMatchObject([{ ":status": 103, link: "</a.css>; rel=preload" }]);
  expect(hints.trailers).toMatchObject({ "x-digest": "abc" });
});

test("large objects come whole over HTTP/1.1 and TLS too", async () => {
  await using both = await startBoth();
  for (const _round of [1, 2]) {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    get(`https://localhost:${both.port}/large`, { ca: both.pair.ca }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve(Buffer.concat(chunks)));
    });
    expect((await promise).equals(LARGE)).toBe(true);
  }
});

test("hosts are checked by :authority, also against Host", async () => {
  await using both = await startBoth();
  const session = both.session();
  const status = async (fields: OutgoingHttpHeaders) =>
    (await ask(session, fields)).fields[":status"];
  expect(await status({ ":path": "/a", ":authority": "evil.example" })).toBe(421);
  expect(await status({ ":path": "/a", host: "evil.example" })).toBe(421);
  expect(await status({ ":path": "/a", host: `localhost:${both.port}` })).toBe(200);
  expect(await status({ ":path": "/a", origin: "http://evil.example" })).toBe(403);
});

const POST = asks("/a", "POST");

test.each([
  ["a length that is too small", [...POST, ["content-length", "3"]]],
  ["a length that is too large", [...POST, ["content-length", "9"]]],
  ["two lengths", [...POST, ["content-length", "5"], ["content-length", "6"]]],
  ["a name in capitals", [...POST, ["X-A", "1"]]],
  ["a transfer encoding", [...POST, ["transfer-encoding", "chunked"]]],
  ["a field of the connection", [...POST, ["connection", "close"]]],
  ["a pseudo field too late", [...POST, ["x-a", "1"], [":path", "/b"]]],
  ["a second path", [...POST, [":path", "/b"]]],
  ["no path", POST.slice(0, 3)],
  ["a host in the path", asks("http://localhost/a", "POST")],
] as const)(
  "a request that HTTP/1.1 would read differently is refused: %s",
  async (_what, fields) => {
    await using both = await startBoth();
    await using raw = await rawH2(both.port);
    raw.send(
      frame(FRAME.headers, FLAG.endHeaders, 1, fieldBlock(fields)),
      frame(FRAME.data, FLAG.endStream, 1, Buffer.from("hello")),
    );
    const isAnswer = ({ type, stream }: Frame) => stream === 1 && type === FRAME.headers;
    const isRefusal = ({ type, stream }: Frame) =>
      type === FRAME.goaway || (stream === 1 && type === FRAME.reset);
    // Where the connection is closed at once, the frame before may be lost with it.
    await Promise.race([raw.ended, raw.got((each) => isAnswer(each) || isRefusal(each))]);
    expect(raw.frames.filter(isAnswer)).toEqual([]);
    expect(both.finished).toEqual([]);
  },
);

test.each([
  ["a line feed in a value", ["x-a", "1\nx-b: 2"]],
  ["the end of a head in a value", ["x-a", "1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"]],
  ["a line feed in a name", ["x-a\nx-b", "1"]],
  ["a colon in a name", ["x-a:1", "1"]],
  ["a zero in a value", ["x-a", "1\0"]],
] as const)(
  "a field that HTTP/1.1 would read differently goes no further: %s",
  async (_what, line) => {
    await using both = await startBoth();
    await using raw = await rawH2(both.port);
    const head = frame(FRAME.headers, FLAG.endHeaders, 1, fieldBlock([...POST, line]));
    raw.send(head, frame(FRAME.data, FLAG.endStream, 1, Buffer.from("hello")));
    const { payload } = await raw.got(({ type, stream }) => type === FRAME.data && stream === 1);
    expect(payload.toString()).toMatch(/^\{.*\}/);
    expect(payload.toString()).not.toContain("x-");
    expect(both.finished).toEqual(["POST /a"]);
  },
);

test("what is no CONNECT for a proxy is refused", async () => {
  await using both = await startBoth();
  await using raw = await rawH2(both.port);
  const fields: [string, string][] = [
    [":method", "CONNECT"],
    [":authority", "localhost"],
  ];
  raw.send(frame(FRAME.headers, FLAG.endHeaders, 1, fieldBlock(fields)));
  const { payload } = await raw.got(({ type, stream }) => type === FRAME.data && stream === 1);
  expect(payload.toString()).toContain("expected a normal path");
});

test("a port beside it is plain, with the same objects", async () => {
  await using both = await startBoth("--plain-listen=127.0.0.1:0");
  const session = both.session();
  await ask(session, { ":path": "/a" });
  const answer = await fetch(`http://127.0.0.1:${both.plainPort}/a`);
  expect(answer.headers.get("cache-status")).toMatch(/; hit; /);
});

test("a new certificate is shown to new connections; those that are there go on, and a bad one changes nothing", async () => {
  await using both = await startBoth();
  const session = both.session();
  await ask(session, { ":path": "/a" });
  const shown = async () => {
    const socket: TLSSocket = connectTls({
      port: both.port,
      servername: "localhost",
      ca: both.pair.ca,
    });
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const old = await shown();
  await both.pair.spoil();
  process.emit("SIGHUP");
  expect(await shown()).toBe(old);
  await both.pair.renew();
  process.emit("SIGHUP");
  await expect.poll(shown).not.toBe(old);
  expect((await ask(session, { ":path": "/a" })).fields[":status"]).toBe(200);
});

test("half a pair, one that is not there, and a plain port without TLS are refused at the start", async () => {
  await using pair = await startPair();
  const [cert, key] = pair.words as [string, string];
  const origin = "http://127.0.0.1:9";
  await expect(startEdge(origin, [cert])).rejects.toThrow("the certificate alone, expected both");
  await expect(startEdge(origin, [cert, "--tls-key=/nowhere.pem"])).rejects.toThrow(
    "--tls-key: got /nowhere.pem, expected a file in PEM: there is no such file",
  );
  await expect(startEdge(origin, ["--plain-listen=127.0.0.1:0"])).rejects.toThrow(/--plain-listen/);
  await expect(startEdge(origin, [cert, key, "--plain-listen=8080"])).rejects.toThrow(
    '--plain-listen: got "8080", expected HOST:PORT',
  );
});

test("fields that HTTP/2 does not send cost no more than themselves", async () => {
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await startPair());
  const origin = stack.use(
    await startOrigin((_request, response) => {
      const lines = ["etag", '"1"', "etag", '"2"', "content-type", "a/b", "content-type", "c/d"];
      lines.push("x-content-type-options", "nosniff", "cache-control", "max-age=60", "age", "1");
      response.writeHead(200, [...lines, "trailer", "etag, keep-alive"]);
      response.write("abc");
      response.addTrailers([
        ["etag", '"3"'],
        ["etag", '"4"'],
        ["keep-alive", "1"],
      ]);
      response.end();
    }),
  );
  const edge = stack.use(await startEdge(origin.url, pair.words));
  const url = `https://localhost:${edge.addresses.port}`;
  const session = stack.adopt(connectH2(url, { ca: pair.ca }), (one) => one.destroy());
  for (let times = 0; times < 3; times++) {
    const stream = session.request({ ":path": "/live/a.ts" });
    const [fields] = (await once(stream, "response")) as [IncomingHttpHeaders];
    expect(fields).toMatchObject({ ":status": 200, etag: '"1"', "content-type": "a/b" });
    let text = "";
    for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString();
    expect(text).toBe("abc");
  }
});

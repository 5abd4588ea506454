/** Clients that are slow, half gone or too many, in numbers: what they cost, and that others do not notice. */
import { once } from "node:events";
import { connect as connectH2, constants } from "node:http2";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { TestOrigin } from "../edge-cache.testing.ts";
import { startOrigin } from "../edge-cache.testing.ts";
import type { EdgeProcess } from "../edge-process.testing.ts";
import { startEdgeProcess } from "../edge-process.testing.ts";
import { FLAG, FRAME, asks, closedOf, fieldBlock, frame, rawH2 } from "./h2-raw.testing.ts";
import type { TestPair } from "./tls.testing.ts";
import { startPair } from "./tls.testing.ts";

const LARGE = Buffer.alloc(2_097_152, "s");
const MIB = 1_048_576;
/** SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2). */
const INITIAL_WINDOW = 4;
const WHOLE = FLAG.endHeaders | FLAG.endStream;
const HOST = "Host: localhost\r\n";

let origin: TestOrigin;
let pair: TestPair;
beforeAll(async () => {
  pair = await startPair();
  origin = await startOrigin((request, response) => {
    if (request.url?.startsWith("/never")) return;
    response.setHeader("cache-control", "max-age=600");
    response.end(request.url?.startsWith("/large") ? LARGE : "hello");
  });
});
afterAll(async () => {
  await origin[Symbol.asyncDispose]();
  await pair[Symbol.asyncDispose]();
});

async function open(port: number, count: number, isTls = false): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    isTls
      ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
      : connect(port, "127.0.0.1"),
  );
  await Promise.all(
    sockets.map((socket) =>
      once(
        socket.on("error", () => {}),
        isTls ? "secureConnect" : "connect",
      ),
    ),
  );
  return sockets;
}

const closed = (sockets: readonly Socket[]) => Promise.all(sockets.map(closedOf));

/** Sends text as it is. @returns all that comes until the connection ends. */
async function raw(port: number, text: string): Promise<string> {
  const [socket] = await open(port, 1);
  let got = "";
  socket!.on("data", (chunk: Buffer) => (got += chunk.toString("latin1")));
  socket!.write(text);
  await closedOf(socket!);
  return got;
}

/** A client as it should be, again and again. @returns how many answers it got. */
async function served(port: number, during: Promise<unknown>): Promise<number> {
  let answers = 0;
  const over = new AbortController();
  void during.then(
    () => over.abort(),
    () => over.abort(),
  );
  while (!over.signal.aborted) {
    const answer = await fetch(`http://127.0.0.1:${port}/large`);
    expect((await answer.arrayBuffer()).byteLength).toBe(LARGE.length);
    answers++;
  }
  return answers;
}

const refused = (edge: EdgeProcess, reason: string) =>
  edge.counted(new RegExp(`edge_refused_total\\{.*reason="${reason}"`));

/** An edge with TLS and without, which has the large object. */
async function startBoth(): Promise<EdgeProcess> {
  const words = ["--client-timeout=2s", ...pair.words, "--plain-listen=127.0.0.1:0"];
  const edge = await startEdgeProcess(origin.url, words);
  await served(edge.plainPort!, Promise.resolve());
  return edge;
}

/** @returns by how many MiB the edge grew until so many slow readers were cut; all others were served meanwhile. */
async function mostMibWhile(edge: EdgeProcess, ask: () => void, cut: number): Promise<number> {
  const before = edge.residentBytes();
  let most = 0;
  const look = setInterval(() => (most = Math.max(most, edge.residentBytes())), 50);
  try {
    ask();
    const options = { timeout: 30_000, interval: 500 };
    const gone = expect.poll(() => refused(edge, "slow_reader"), options).toBe(cut);
    expect(await served(edge.plainPort!, gone)).toBeGreaterThan(3);
    await gone;
    await expect.poll(() => edge.counted(/edge_connections/), { timeout: 30_000 }).toBeLessThan(10);
  } finally {
    clearInterval(look);
  }
  return (most - before) / MIB;
}

describe("of one edge", { timeout: 60_000 }, () => {
  test("500 who send their head byte by byte are gone when their time is over, and counted; a good client is served", async () => {
    await using edge = await startEdgeProcess(origin.url, ["--client-timeout=2s"]);
    const sockets = await open(edge.port, 500);
    const text = `GET /a HTTP/1.1\r\n${HOST}X-Slow: ${"a".repeat(1_000)}`;
    let at = 0;
    const drip = setInterval(() => {
      const byte = text[at++ % text.length]!;
      for (const socket of sockets) if (socket.writable) socket.write(byte);
    }, 100);
    expect(await served(edge.port, closed(sockets))).toBeGreaterThan(3);
    clearInterval(drip);
    expect(await refused(edge, "slow_request")).toBe(500);
    await expect.poll(() => edge.counted(/edge_connections/), { timeout: 30_000 }).toBeLessThan(10);
  });

  test.each([
    ["plain", false, 64],
    ["over TLS", true, 128],
  ])(
    "200 who do not read 2 MiB are gone when their time is over, and counted; they share its memory: %s",
    async (_what, isTls, mostMib) => {
      await using edge = await startBoth();
      const port = isTls ? edge.port : edge.plainPort!;
      const sockets = await open(port, 200, isTls);
      const ask = () => {
        for (const socket of sockets) {
          socket.pause();
          // More than systems keep of what has been sent (tcp(7), tcp_wmem).
          socket.write(`GET /large HTTP/1.1\r\n${HOST}\r\n`.repeat(4));
        }
      };
      // 400 MiB, if each had one of its own.
      expect(await mostMibWhile(edge, ask, 200)).toBeLessThan(mostMib);
      for (const socket of sockets) socket.destroy();
    },
  );

  test("200 streams of HTTP/2 that nobody reads cost no more, and are gone when their time is over", async () => {
    await using edge = await startBoth();
    await using stack = new AsyncDisposableStack();
    // Half of them say that they take 2^31-1 bytes and do not read, the others that they take nothing; and all that they live.
    const crowd = await Promise.all(
      Array.from({ length: 20 }, async (_, number) =>
        stack.use(await rawH2(edge.port, [INITIAL_WINDOW, number % 2 === 0 ? 2 ** 31 - 1 : 0])),
      ),
    );
    const ask = () => {
      for (const one of crowd) {
        one.socket.pause();
        const window = Buffer.alloc(4);
        window.writeUInt32BE(2 ** 31 - 1 - 65_535);
        one.send(frame(FRAME.window, 0, 0, window));
        for (let stream = 1; stream < 20; stream += 2)
          one.send(frame(FRAME.headers, WHOLE, stream, fieldBlock(asks("/large"))));
      }
    };
    const ping = setInterval(() => {
      for (const one of crowd) one.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
    }, 500);
    stack.defer(() => clearInterval(ping));
    expect(await mostMibWhile(edge, ask, 20)).toBeLessThan(128);
  });

  test("1,000 who leave before their answer, while it comes, or half, leave nothing behind", async () => {
    await using edge = await startEdgeProcess(origin.url);
    await served(edge.port, Promise.resolve());
    const [early, late, half, silent] = [
      await open(edge.port, 250),
      await open(edge.port, 250),
      await open(edge.port, 250),
      await open(edge.port, 250),
    ];
    for (const [number, socket] of early.entries())
      socket.write(`GET /never/${number} HTTP/1.1\r\n${HOST}\r\n`, () => socket.resetAndDestroy());
    for (const socket of late)
      socket
        .once("data", () => socket.resetAndDestroy())
        .write(`GET /large HTTP/1.1\r\n${HOST}\r\n`);
    // A half-closed client still reads its answer.
    const bytes = half.map(async (socket) => {
      let read = 0;
      socket.on("data", (chunk: Buffer) => (read += chunk.length));
      socket.end(`GET /large HTTP/1.1\r\n${HOST}\r\n`);
      await closedOf(socket);
      return read;
    });
    for (const socket of silent) socket.end();
    expect(Math.min(...(await Promise.all(bytes)))).toBeGreaterThan(LARGE.length);
    await closed([...early, ...late, ...silent.map((socket) => socket.resume())]);
    await expect.poll(() => edge.counted(/edge_connections/), { timeout: 30_000 }).toBeLessThan(10);
    expect(await refused(edge, ".*")).toBe(0);
  });

  test("connections of one client and of all are limited, and counted", async () => {
    await using edge = await startEdgeProcess(origin.url, [
      "--client-connections=20",
      "--connections=30",
    ]);
    const sockets = await open(edge.port, 25);
    await closed(sockets.slice(20));
    expect(sockets.slice(0, 20).every((socket) => !socket.closed)).toBe(true);
    expect(await refused(edge, "client_connections")).toBe(5);
    const others = Array.from({ length: 15 }, () =>
      connect({ port: edge.port, host: "127.0.0.1", localAddress: "127.0.0.2" }).on(
        "error",
        () => {},
      ),
    );
    await closed(others.slice(10));
    expect(await refused(edge, "connections")).toBe(5);
    for (const socket of [...sockets, ...others]) socket.destroy();
    await expect
      .poll(() => fetch(`http://127.0.0.1:${edge.port}/a`).then(({ ok }) => ok))
      .toBe(true);
  });

  test("a client that asks too often gets 429, and when to come again; over HTTP/2 the same", async () => {
    await using edge = await startEdgeProcess(origin.url, [
      "--client-rate=1",
      "--client-burst=5",
      ...pair.words,
    ]);
    const session = connectH2(`https://localhost:${edge.port}`, { ca: pair.ca });
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const stream = session.request({ ":path": "/a" }).resume();
        const [fields] = (await once(stream, "response")) as [Record<string, string | number>];
        return [fields[":status"], fields["retry-after"]];
      }),
    );
    expect(statuses.filter(([status]) => status === 200)).toHaveLength(5);
    expect(statuses.filter(([status]) => status === 429)).toHaveLength(3);
    expect(statuses.at(-1)![1]).toBe("1");
    expect(await refused(edge, "rate")).toBe(3);
    session.destroy();
  });

  test("long addresses get 414, long heads 431, what is not HTTP 400; each is counted", async () => {
    await using edge = await startEdgeProcess(origin.url, [
      "--header-size=8KiB",
      ...pair.words,
      "--plain-listen=127.0.0.1:0",
    ]);
    const plainPort = edge.plainPort!;
    const close = `${HOST}Connection: close\r\n`;
    expect(await raw(plainPort, `GET /${"a".repeat(5_000)} HTTP/1.1\r\n${close}\r\n`)).toMatch(
      /^HTTP\/1\.1 414 /,
    );
    expect(
      await raw(plainPort, `GET /a HTTP/1.1\r\n${close}X-A: ${"a".repeat(8_192)}\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw(plainPort, "hello there\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    const [socket] = await open(edge.port, 1);
    socket!.write("GET /a HTTP/1.1\r\n\r\n");
    await closed([socket!.resume()]);
    for (const reason of ["url", "header", "malformed", "tls"])
      expect([reason, await refused(edge, reason)]).toEqual([reason, 1]);
    const session = connectH2(`https://localhost:${edge.port}`, { ca: pair.ca });
    for (const [fields, status] of [
      [{ "x-a": "a".repeat(7_000) }, 200],
      [{ "x-a": "a".repeat(8_000) }, 431],
      [Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`x-${at}`, "a"])), 431],
      [{ ":path": `/${"a".repeat(5_000)}` }, 414],
    ] as const) {
      const stream = session.request({ ":path": "/a", ...fields }).resume();
      const [got] = (await once(stream, "response")) as [Record<string, unknown>];
      expect(got[":status"]).toBe(status);
    }
    expect(await refused(edge, "header")).toBe(3);
    session.destroy();
  });

  test("a connection whose streams are given up again and again is ended, and counted (CVE-2023-44487)", async () => {
    await using edge = await startEdgeProcess(origin.url, pair.words);
    await using one = await rawH2(edge.port);
    const cancel = Buffer.alloc(4);
    cancel.writeUInt32BE(constants.NGHTTP2_CANCEL);
    for (let stream = 1; stream < 1_000; stream += 2)
      one.send(
        frame(FRAME.headers, WHOLE, stream, fieldBlock(asks(`/never/${stream}`))),
        frame(FRAME.reset, 0, stream, cancel),
      );
    await one.ended;
    expect(await refused(edge, "resets")).toBe(1);
    expect(origin.asked.filter((line) => line.includes("/never/")).length).toBeLessThan(250);
  });
});

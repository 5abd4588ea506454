/** What viewers see of an edge that has been told to stop. */
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect as connectH2, constants } from "node:http2";
import { connect } from "node:net";

import { afterEach, beforeEach, expect, test } from "vitest";

import type { TestOrigin } from "../edge-cache.testing.ts";
import { startOrigin } from "../edge-cache.testing.ts";
import { startEdgeProcess } from "../edge-process.testing.ts";
import { startPair } from "./tls.testing.ts";

let origin: TestOrigin;
/** Answers /slow. */
let release: () => void;

beforeEach(async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  origin = await startOrigin(async (request, response) => {
    if (request.url?.startsWith("/slow")) await promise;
    response.setHeader("cache-control", "max-age=60").end("hello");
  });
});
afterEach(() => origin[Symbol.asyncDispose]());

interface Got {
  status: number | undefined;
  connection: string | undefined;
  text: string;
}

function ask(port: number, path: string, agent?: Agent): Promise<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  const request = get({ port, host: "127.0.0.1", path, ...(agent && { agent }) }, (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    const { statusCode: status, headers } = answer;
    answer.on("end", () => resolve({ status, connection: headers.connection, text }));
  });
  request.on("error", reject);
  return promise;
}

const readiness = async (adminPort: number) =>
  (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status;

test("SIGTERM: not ready at once; who asks is answered and told to go, running answers end, idle connections close", async () => {
  await using edge = await startEdgeProcess(origin.url, ["--drain=20s"]);
  const agent = new Agent({ keepAlive: true });
  expect(await ask(edge.port, "/a", agent)).toMatchObject({ connection: "keep-alive" });
  const idle = connect(edge.port, "127.0.0.1");
  idle.write("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(idle, "data");
  const slow = ask(edge.port, "/slow");
  await expect.poll(() => origin.asked).toContain("GET /slow");

  edge.kill("SIGTERM");
  await expect.poll(() => readiness(edge.adminPort)).toBe(503);
  const next = { status: 200, connection: "close", text: "hello" };
  expect(await ask(edge.port, "/b", agent)).toEqual(next);
  await once(idle.resume(), "close");
  expect(await ask(edge.port, "/a")).toEqual(next);
  const peer = await ask(edge.port, "/.glassline/edge");
  expect(peer.status).toBe(503);
  release();
  expect(await slow).toMatchObject({ status: 200, text: "hello" });
  expect(await edge.ended).toBe(0);
});

test("HTTP/2: a GOAWAY, and what is asked before the client has seen it is still answered", async () => {
  await using pair = await startPair();
  await using edge = await startEdgeProcess(origin.url, ["--drain=20s", ...pair.words]);
  const session = connectH2(`https://localhost:${edge.port}`, { ca: pair.ca });
  const status = async (path: string) => {
    const [fields] = (await once(session.request({ ":path": path }).resume(), "response")) as [
      Record<string, unknown>,
    ];
    return fields[":status"];
  };
  expect(await status("/a")).toBe(200);
  const slow = status("/slow");
  await expect.poll(() => origin.asked).toContain("GET /slow");
  const goaway = once(session, "goaway");
  edge.kill("SIGTERM");
  const [code, last] = (await goaway) as [number, number];
  expect([code, last]).toEqual([constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1]);
  release();
  expect(await slow).toBe(200);
  await once(session, "close");
  expect(await edge.ended).toBe(0);
});

test("when the time is over, answers that still run are cut off; a second signal does not wait for it", async () => {
  await using short = await startEdgeProcess(origin.url, ["--drain=300ms"]);
  const cut = ask(short.port, "/slow").catch((error: unknown) => error);
  await expect.poll(() => origin.asked).toContain("GET /slow");
  short.kill("SIGTERM");
  expect(await short.ended).toBe(0);
  expect(await cut).toBeInstanceOf(Error);

  await using long = await startEdgeProcess(origin.url, ["--drain=1h"]);
  const other = ask(long.port, "/slow?2").catch((error: unknown) => error);
  await expect.poll(() => origin.asked).toContain("GET /slow?2");
  long.kill("SIGTERM");
  await expect.poll(() => readiness(long.adminPort)).toBe(503);
  const again = setInterval(() => long.kill("SIGTERM"), 100);
  expect(await long.ended).toBe(0);
  clearInterval(again);
  expect(await other).toBeInstanceOf(Error);
});

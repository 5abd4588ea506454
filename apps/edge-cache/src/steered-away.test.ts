/** Two edges that know each other, one of which drains by an order: where viewers are sent, and that nobody loses a picture. */
import { freePorts } from "@glassline/bench/ports";
import { parsePlaylist } from "@glassline/hls/playlist";
import { systemClock } from "@glassline/service/clock";
import { afterEach, beforeEach, expect, test } from "vitest";

import { ADMIN_TOKEN, adminCall } from "./edge-admin.testing.ts";
import type { EdgeCache } from "./edge-cache.ts";
import { startEdge, startOrigin } from "./edge-cache.testing.ts";

const MULTIVARIANT = "/live/cam-0001/index.m3u8";
const PLAYLIST =
  "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nvideo.m3u8\n" as const;

let stack: AsyncDisposableStack;
let ports: number[];
let edges: EdgeCache[];

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const origin = stack.use(
    await startOrigin((request, response) => {
      response.setHeader("cache-control", "max-age=60");
      response.end(request.url === MULTIVARIANT ? PLAYLIST : "picture");
    }),
  );
  ports = await freePorts(2);
  const start = (at: number) =>
    startEdge(origin.url, [
      `--name=edge-${at + 1}`,
      `--port=${ports[at]}`,
      `--peer=edge-${2 - at}=http://127.0.0.1:${ports[1 - at]}`,
      `--admin-token=${ADMIN_TOKEN}`,
    ]);
  edges = [stack.use(await start(0)), stack.use(await start(1))];
  await expect.poll(() => peerOf(0)).toMatchObject({ reachable: true });
  await expect.poll(() => peerOf(1)).toMatchObject({ reachable: true });
});
afterEach(() => stack.disposeAsync());

const call = (at: number) => adminCall(edges[at]!.addresses.adminPort);
const get = (at: number, path: string, session = "a") =>
  fetch(`http://127.0.0.1:${ports[at]}${path}`, { headers: { "user-agent": session } });

async function peerOf(at: number): Promise<unknown> {
  const { peers = [] } = (await call(at)("GetStatus", {})) as { peers?: object[] };
  return peers[0];
}

async function priority(at: number, playsFrom: number): Promise<unknown> {
  const answer = await get(at, `/steering/cam-0001?_HLS_pathway=edge-${playsFrom + 1}`);
  return ((await answer.json()) as Record<string, unknown>)["PATHWAY-PRIORITY"];
}

async function firstOf(at: number): Promise<unknown> {
  const playlist = parsePlaylist(await (await get(at, MULTIVARIANT)).text());
  if (playlist.kind !== "multivariant") throw new Error("got segments, expected variants");
  return [playlist.steering?.pathwayId, new URL(playlist.variants[0]!.uri).port];
}

const drain = (draining: boolean, idempotencyKey: string, fencingToken = 5) =>
  call(0)("SetDraining", { draining, idempotencyKey, fencingToken: String(fencingToken) });

test("an edge that drains and its peers send viewers elsewhere, and it serves those who stay", async () => {
  expect(await priority(0, 0)).toEqual(["edge-1", "edge-2"]);
  for (const session of ["a", "b", "c"]) await get(0, "/live/cam-0001/video.m3u8", session);
  expect(await drain(true, "k1")).toEqual({ changed: true, viewers: 3, replayed: false });
  expect(await priority(0, 0)).toEqual(["edge-2"]);
  await expect.poll(() => priority(1, 0)).toEqual(["edge-2"]);
  expect(await firstOf(0)).toEqual(["edge-2", String(ports[1])]);
  expect(await firstOf(1)).toEqual(["edge-2", String(ports[1])]);
  const segment = await get(0, "/live/cam-0001/1.m4s");
  expect([segment.status, segment.headers.get("connection"), await segment.text()]).toEqual([
    200,
    "keep-alive",
    "picture",
  ]);
  const status = await call(0)("GetStatus", {});
  expect(status).toMatchObject({ draining: true, actionsDone: { drain: "1" } });
  expect(await peerOf(1)).toMatchObject({ edge: "edge-1", reachable: true, draining: true });

  expect(await drain(false, "k2")).toMatchObject({ changed: true });
  expect(await firstOf(0)).toEqual(["edge-1", String(ports[0])]);
  await expect.poll(() => priority(1, 0)).toEqual(["edge-1", "edge-2"]);
});

test("it is done once a key, and not for an OpsBot that another has taken over from", async () => {
  expect(await drain(true, "k1")).toMatchObject({ changed: true });
  expect(await drain(true, "k2")).toMatchObject({ changed: false });
  await drain(false, "k3");
  expect(await drain(true, "k1")).toMatchObject({ changed: true, replayed: true });
  expect(await call(0)("GetStatus", {})).toMatchObject({ draining: false });
  expect(await drain(false, "k1")).toMatchObject({ code: "invalid_argument" });
  expect(await drain(true, "k4", 4)).toMatchObject({ code: "failed_precondition" });
  const url = `http://127.0.0.1:${edges[0]!.addresses.adminPort}/glassline.edge.v1alpha1.EdgeCacheService/SetDraining`;
  const stranger = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ draining: true, idempotencyKey: "k5" }),
  });
  expect(stranger.status).toBe(401);
  expect(await call(0)("GetStatus", {})).toMatchObject({ draining: false });
});

test("the only edge that can be reached is named though it drains", async () => {
  await drain(true, "k1");
  expect(await priority(0, 0)).toEqual(["edge-2"]);
  await edges[1]![Symbol.asyncDispose]();
  await expect.poll(() => priority(0, 0), { timeout: 30_000 }).toEqual(["edge-1"]);
  expect(await firstOf(0)).toEqual(["edge-1", String(ports[0])]);
  expect(await (await get(0, "/live/cam-0001/1.m4s")).text()).toBe("picture");
});

test("when all drain, all are named", async () => {
  await drain(true, "k1");
  await call(1)("SetDraining", { draining: true, idempotencyKey: "k1" });
  await expect.poll(() => priority(0, 0)).toEqual(["edge-1", "edge-2"]);
  await systemClock.sleep(600);
  expect(await priority(1, 0)).toEqual(["edge-1", "edge-2"]);
  expect(await firstOf(1)).toEqual(["edge-2", String(ports[1])]);
});

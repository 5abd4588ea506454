/** Viewers of low latency that take each part as soon as they may: how many of them made the edge ask the origin. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";

import { settled, startEdges } from "./edges.ts";
import { Viewer } from "./viewer.ts";

const BENCH = "edge-live-edge";
const EDGES = 2;
const VIEWERS = 200;
const PART_MS = 100;
const PARTS_PER_SEGMENT = 5;
const PLAYLIST = "/live/bench/low.m3u8";

export async function measureLiveEdge(_systems: unknown, isQuick: boolean): Promise<void> {
  const parts = isQuick ? 30 : 600;
  about(
    BENCH,
    `${VIEWERS} viewers on ${EDGES} edges of a cluster wait for each playlist (_HLS_msn, _HLS_part) and then ask for its newest part, as players do; a part is made each ${PART_MS} ms. A miss is a request that made its edge ` +
      "ask, instead of finding what it wants there or on its way. Goal: 1 in 100,000 requests behind each viewer's first. The added wait is from the part's making to its last byte at the viewer.",
  );
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const channel = stack.use(await startChannel());
  const edges = await startEdges(directory, EDGES, channel.port);
  for (const { process } of edges) stack.use(process);
  await settled(edges);
  let [requests, misses, wrong] = [0, 0, 0];
  const waits: number[] = [];
  const untilPart = channel.parts() + parts;
  const watch = async (number: number) => {
    using viewer = await Viewer.to(edges[number % EDGES]!.port);
    await viewer.get(PLAYLIST);
    // The first round is how the edge learns what is watched.
    let isFirst = true;
    for (let part = channel.parts() + 1; part < untilPart; part++) {
      const [msn, index] = [Math.floor(part / PARTS_PER_SEGMENT), part % PARTS_PER_SEGMENT];
      const playlist = await viewer.get(`${PLAYLIST}?_HLS_msn=${msn}&_HLS_part=${index}`);
      const got = await viewer.get(`/live/bench/part-${part}.m4s`);
      if (!got.body.includes(`part ${part} `)) wrong++;
      waits.push(performance.now() - channel.madeMs(part));
      for (const { how } of isFirst ? [] : [playlist, got]) {
        requests++;
        if (/; fwd=/.test(how) && !how.includes("collapsed")) misses++;
      }
      isFirst = false;
      part = Math.max(part, channel.parts() - 1);
    }
  };
  await Promise.all(Array.from({ length: VIEWERS }, (_, number) => watch(number)));
  waits.sort((a, b) => a - b);
  const params = { edges: EDGES, viewers: VIEWERS, parts, partMs: PART_MS };
  report(BENCH, "requests", requests, "", params);
  report(BENCH, "misses", (100_000 * misses) / requests, "in 100,000", params);
  report(BENCH, "wrong_answers", wrong, "", params);
  report(BENCH, "added_wait_p50", median(waits), "ms", params);
  report(BENCH, "added_wait_p99", waits[Math.floor(0.99 * waits.length)]!, "ms", params);
}

interface Channel extends AsyncDisposable {
  port: number;
  /** So many are there. */
  parts: () => number;
  madeMs: (part: number) => number;
}

async function startChannel(): Promise<Channel> {
  const made: number[] = Array.from({ length: PARTS_PER_SEGMENT }, () => performance.now());
  let waiting: { part: number; answer: () => void }[] = [];
  const timer = setInterval(() => {
    made.push(performance.now());
    const due = waiting.filter(({ part }) => part < made.length);
    waiting = waiting.filter(({ part }) => part >= made.length);
    for (const { answer } of due) answer();
  }, PART_MS);
  const when = (part: number, response: ServerResponse, body: () => string) => {
    const answer = () => response.setHeader("cache-control", "max-age=60").end(body());
    if (part < made.length) answer();
    else waiting.push({ part, answer });
  };
  const server = createServer(({ url = "" }, response) => {
    const { pathname, searchParams } = new URL(url, "http://origin");
    const part = /part-(\d+)/.exec(pathname)?.[1];
    if (part !== undefined)
      return when(Number(part), response, () => `part ${part} `.padEnd(30_000, "."));
    const [msn, index] = ["_HLS_msn", "_HLS_part"].map((name) => Number(searchParams.get(name)));
    when(msn! * PARTS_PER_SEGMENT + index!, response, () => playlistOf(made.length));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    parts: () => made.length,
    madeMs: (part) => made[part]!,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @param parts that are there. */
function playlistOf(parts: number): string {
  const first = Math.max(0, Math.floor(parts / PARTS_PER_SEGMENT) - 3) * PARTS_PER_SEGMENT;
  const lines = [
    "#EXTM3U",
    "#EXT-X-TARGETDURATION:1",
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.3",
    `#EXT-X-PART-INF:PART-TARGET=${PART_MS / 1_000}`,
    `#EXT-X-MEDIA-SEQUENCE:${first / PARTS_PER_SEGMENT}`,
  ];
  for (let part = first; part < parts; part++) {
    lines.push(`#EXT-X-PART:DURATION=${PART_MS / 1_000},URI="part-${part}.m4s"`);
    if (part % PARTS_PER_SEGMENT === PARTS_PER_SEGMENT - 1)
      lines.push("#EXTINF:0.5,", `segment-${Math.floor(part / PARTS_PER_SEGMENT)}.m4s`);
  }
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-${parts}.m4s"`);
  return `${lines.join("\n")}\n`;
}

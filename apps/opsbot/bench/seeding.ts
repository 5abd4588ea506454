/** What viewers of a live channel notice while an edge is seeded. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { KillableProcess } from "@glassline/bench/killable-process";
import { freePorts } from "@glassline/bench/ports";
import { about, report } from "@glassline/bench/report";
import { EdgeCacheService } from "@glassline/proto/edge";
import type { Client } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { runLoad } from "../src/caches/load-process.ts";
import { seed } from "../src/caches/seed.ts";
import { Latencies } from "../src/core/caches/latencies.ts";
import type { LoadCounts } from "../src/core/caches/load-counts.ts";
import { sumOf } from "../src/core/caches/load-counts.ts";
import { figuresOf } from "../src/core/caches/shortfalls.ts";
import { flagsOf } from "./opsbot-process.ts";

const BENCH = "seeding";
const EDGE_TOKEN = "a-token-for-benchmarks";
const OPERATOR: PeerName = { role: "operator", instance: "local" };
const EDGE = "edge-1";
const PATH = "/live/c/index.m3u8";
const PER_SECOND = 50;
const FILM_OBJECTS = 101;
const SIZES = {
  full: { rounds: 5, players: 40, forMs: 20_000 },
  quick: { rounds: 1, players: 5, forMs: 4_000 },
} as const;

export async function measureSeeding(isQuick: boolean): Promise<void> {
  const { rounds, players, forMs } = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `${players} players, in a process of their own, play a live channel with segments of 1 s from one edge for ${forMs / 1_000} s; the same again while films with segments of 200 kB are seeded into it at ${PER_SECOND} objects a second, as a deployment does; ${rounds} times in turn, on a machine that all of them share. Times are to the first byte of what the edge does not hold back. Goal: viewers do not notice.`,
  );
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const edge = stack.use(await startEdge(directory));
  const wish = {
    edges: [{ name: EDGE, publicUrl: edge.url }],
    path: PATH,
    players,
    numbers: Array.from({ length: players }, (_, at) => at),
    forMs,
    startOverMs: 1_000,
  };
  const play = () => runLoad(wish, undefined, new AbortController().signal);
  // The first one finds nothing in the cache.
  await play();
  const got: Record<"no" | "yes", LoadCounts[]> = { no: [], yes: [] };
  let objects = 0;
  for (let round = 0; round < rounds; round++) {
    got.no.push(await play());
    const films = Math.ceil((PER_SECOND * forMs) / 1_000 / FILM_OBJECTS);
    const [counts, seeded] = await Promise.all([play(), seedFilms(edge.client, round, films)]);
    got.yes.push(counts);
    objects += seeded;
  }
  for (const [seeding, all] of Object.entries(got)) tell(sumOf(all), { seeding, players, rounds });
  report(BENCH, "objects_seeded", objects, "", { rounds, perSecond: PER_SECOND });
}

function tell(counts: LoadCounts, params: Record<string, string | number>): void {
  const { hitRate, firstByteP50Ms, firstByteP99Ms } = figuresOf(counts);
  const worst = Latencies.from(counts.firstByte).quantile(0.999);
  report(BENCH, "first_byte_p50", firstByteP50Ms, "ms", params);
  report(BENCH, "first_byte_p99", firstByteP99Ms, "ms", params);
  report(BENCH, "first_byte_p999", worst, "ms", params);
  report(BENCH, "hit_rate", 100 * hitRate, "%", params);
  report(BENCH, "errors", counts.errors, "", params);
  report(BENCH, "stalls", counts.stalls, "", params);
}

/** Others each time. @returns how many objects. */
async function seedFilms(client: EdgeClient, round: number, films: number): Promise<number> {
  const paths = Array.from({ length: films }, (_, at) => `/films/${round}-${at}/v.m3u8`);
  const { edges } = await seed(
    {
      edges: new Map([[EDGE, client]]),
      edgeToken: EDGE_TOKEN,
      fencingToken: 0n,
      clock: systemClock,
      isHeld: async () => false,
      signal: new AbortController().signal,
    },
    { paths, popular: 0, perSecond: PER_SECOND, accessLogs: [], idempotencyKey: `${round}` },
  );
  return edges[0]!.priming!.objectsFetched;
}

type EdgeClient = Client<typeof EdgeCacheService>;

interface RunningEdge extends AsyncDisposable {
  url: string;
  client: EdgeClient;
}

async function startEdge(directory: string): Promise<RunningEdge> {
  await using stack = new AsyncDisposableStack();
  const [originPort, port, grpcPort, adminPort] = await freePorts(4);
  const pkiDir = join(directory, "pki");
  await ensureDevelopmentPki(pkiDir, [{ role: "edge-cache", instance: EDGE }, OPERATOR]);
  const originMain = fileURLToPath(new URL("seeding-origin.ts", import.meta.url));
  const edgeMain = fileURLToPath(new URL("../../edge-cache/src/main.ts", import.meta.url));
  const words = {
    name: EDGE,
    port: port!,
    "grpc-port": grpcPort!,
    "admin-port": adminPort!,
    "pki-dir": pkiDir,
    origin: `http://127.0.0.1:${originPort}`,
    "admin-token": EDGE_TOKEN,
    "prime-rate": PER_SECOND,
    "log-level": "error",
    drain: 0,
  };
  for (const [name, all] of [
    ["origin", [originMain, String(originPort)]],
    ["edge", [edgeMain, ...flagsOf(words)]],
  ] as const) {
    const started = new KillableProcess(name, all);
    stack.defer(async () => void (await started.end("SIGKILL")));
    await started.ready();
  }
  const identity = await readIdentity(pkiDir, OPERATOR);
  const endpoint = { name: EDGE, host: "localhost", port: grpcPort! };
  const client = stack.use(peerClient(EdgeCacheService, endpoint, "edge-cache", identity));
  const owned = stack.move();
  return {
    url: `http://localhost:${port}`,
    client,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whether edges serve as a channel needs it: a test load that behaves like players, against limits. */
import { availableParallelism } from "node:os";

import { create } from "@bufbuild/protobuf";
import type { ValidationReport } from "@glassline/proto/opsbot";
import { ValidationReportSchema } from "@glassline/proto/opsbot";
import type { Clock } from "@glassline/service/clock";
import { OperatorError } from "@glassline/service/errors";

import type { LoadCounts } from "../core/caches/load-counts.ts";
import { sumOf } from "../core/caches/load-counts.ts";
import type { Slo } from "../core/caches/shortfalls.ts";
import { figuresOf, shortfallsOf } from "../core/caches/shortfalls.ts";
import { PLAYERS_MAX, VALIDATION_MAX_MS } from "../core/caches/validation-limits.ts";
import type { LoadEdge } from "./load.ts";
import { runLoad } from "./load-process.ts";

export interface ValidationWish {
  /** Nothing is asked of any other address, whatever playlists name. */
  edges: readonly LoadEdge[];
  /** Of a playlist: "/live/cam-0001/index.m3u8". */
  path: string;
  players: number;
  /** From the first player's beginning to the end. */
  forMs: number;
  /** Players begin one after another within this time. */
  startOverMs: number;
  /** Of a viewer, where the channel is protected. */
  token?: string | undefined;
  /** Authority of the edges' certificates, PEM; undefined: those that Node knows. */
  ca?: string | undefined;
  slo: Slo;
}

export interface ValidationDeps {
  clock: Clock;
  signal: AbortSignal;
}

const VALIDATION_LEAST_MS = 1_000;
const EDGES_MAX = 100;
/** More than this of one process would measure itself. */
const PLAYERS_OF_PROCESS = 100;
const PROCESSES_MAX = 4;

/** Rejects with OperatorError only when the load cannot be run, or with the signal's reason; what falls short is in the report. */
export async function validate(
  wish: ValidationWish,
  { clock, signal }: ValidationDeps,
): Promise<ValidationReport> {
  check(wish);
  const { players, slo } = wish;
  const counts = await play(wish, signal);
  const { hitRate, firstByteP50Ms, firstByteP99Ms } = figuresOf(counts);
  const shortfalls = shortfallsOf(counts, players, slo);
  return create(ValidationReportSchema, {
    passed: shortfalls.length === 0,
    timeUnixNano: clock.nowUnixNano(),
    players,
    durationMs: wish.forMs,
    requests: BigInt(counts.requests),
    errors: BigInt(counts.errors),
    hitRate,
    firstByteP50Ms,
    firstByteP99Ms,
    stalls: counts.stalls,
    bytes: BigInt(counts.bytes),
    shortfalls,
  });
}

/** All processes of the load; when one cannot play the others end. */
async function play(wish: ValidationWish, signal: AbortSignal): Promise<LoadCounts> {
  const { edges, path, players, forMs, startOverMs, token, ca } = wish;
  const part = { edges, path, players, forMs, startOverMs, token };
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const running = shares(players).map((numbers) => runLoad({ ...part, numbers }, ca, until));
  try {
    return sumOf(await Promise.all(running));
  } finally {
    stop.abort();
    await Promise.allSettled(running);
  }
}

/** The numbers of the players of each process: neighbours are in different ones. */
function shares(players: number): number[][] {
  const needed = Math.ceil(players / PLAYERS_OF_PROCESS);
  const processes = Math.min(needed, PROCESSES_MAX, availableParallelism());
  return Array.from({ length: processes }, (_, at) =>
    Array.from(
      { length: Math.ceil((players - at) / processes) },
      (_, turn) => at + turn * processes,
    ),
  );
}

function check({ edges, path, players, forMs, startOverMs, slo }: ValidationWish): void {
  const share = (value: number) => value >= 0 && value <= 1;
  const wrong: [boolean, string, unknown, string][] = [
    [edges.length < 1 || edges.length > EDGES_MAX, "edges", edges.length, `1 to ${EDGES_MAX}`],
    [!isPlaylist(path), "path", path, "that of a playlist, such as /live/cam-0001/index.m3u8"],
    [!within(players, 1, PLAYERS_MAX), "players", players, `1 to ${PLAYERS_MAX}`],
    [
      !within(forMs, VALIDATION_LEAST_MS, VALIDATION_MAX_MS),
      "forMs",
      forMs,
      `${VALIDATION_LEAST_MS} to ${VALIDATION_MAX_MS}`,
    ],
    [!within(startOverMs, 0, forMs), "startOverMs", startOverMs, `0 to forMs (${forMs})`],
    [!share(slo.hitRate), "slo.hitRate", slo.hitRate, "0 to 1"],
    [!share(slo.errorShare), "slo.errorShare", slo.errorShare, "0 to 1"],
    [!(slo.firstByteP99Ms > 0), "slo.firstByteP99Ms", slo.firstByteP99Ms, "more than 0"],
    [!within(slo.stalls, 0, Number.MAX_SAFE_INTEGER), "slo.stalls", slo.stalls, "0 or more"],
    ...edges.map(({ name, publicUrl }): [boolean, string, unknown, string] => [
      !/^https?:$/.test(URL.parse(publicUrl)?.protocol ?? ""),
      `publicUrl of ${name}`,
      publicUrl,
      "http:// or https://",
    ]),
  ];
  const said = wrong
    .filter(([isWrong]) => isWrong)
    .map(([, what, got, expected]) => `${what}: got ${JSON.stringify(got)}, expected ${expected}`);
  if (said.length > 0) throw new OperatorError(said.join("\n"));
}

const within = (value: number, least: number, most: number) =>
  Number.isSafeInteger(value) && value >= least && value <= most;

const isPlaylist = (path: string) => /^\/(?!\/)[^?#\\]*\.m3u8$/.test(path);

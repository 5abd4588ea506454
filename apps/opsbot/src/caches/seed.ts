/** Brings what is popular into edges before viewers come: each edge fetches it in the background, no faster than it is told. */
import type { EdgeCacheService, Priming } from "@glassline/proto/edge";
import type { Client } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import { OperatorError } from "@glassline/service/errors";

import type { Hold } from "../actions/effects.ts";
import { Popularity } from "../core/caches/popularity.ts";
import { counted } from "../core/words.ts";
import type { LogsRead } from "./access-logs.ts";
import { readAccessLogs } from "./access-logs.ts";
import { seedEdge } from "./seed-edge.ts";

export interface SeedDeps {
  edges: ReadonlyMap<string, Client<typeof EdgeCacheService>>;
  edgeToken: string;
  /** Of the leader's term; 0: a person. */
  fencingToken: bigint;
  clock: Clock;
  /** Nothing is begun at present. */
  isHeld: Hold["isHeld"];
  /** Aborted: what the edges have begun in the background they end by themselves. */
  signal: AbortSignal;
  /** Hears how it goes. */
  told?: (line: string) => void;
}

export interface SeedWish {
  /** Always fetched, first: "/live/cam-0001/index.m3u8". Playlists are followed as players do. */
  paths: readonly string[];
  /** So many of the most popular paths, at most. */
  popular: number;
  /** Objects a second and edge, at most; not more than the edge allows. */
  perSecond: number;
  /** Files; not read where nothing popular is wished. */
  accessLogs: readonly string[];
  /** The same key goes on with what was begun, and fetches nothing twice. */
  idempotencyKey: string;
}

export interface EdgeSeeded {
  edge: string;
  /** Undefined: it did not come to it. */
  priming: Priming | undefined;
  /** Why nothing was fetched there; empty: something was. */
  problem: string;
}

export interface SeedReport {
  /** For people. */
  says: string;
  /** What was asked for, in this order. */
  paths: readonly string[];
  edges: readonly EdgeSeeded[];
  logs: LogsRead;
}

/** What an edge takes at once. */
const PATHS_MAX = 10_000;

/** Rejects with OperatorError when nothing could be fetched, though there was something to fetch. */
export async function seed(deps: SeedDeps, wish: SeedWish): Promise<SeedReport> {
  check(wish);
  const popularity = new Popularity({ nowMs: deps.clock.nowMs() });
  // Logs are long.
  const files = wish.popular === 0 ? [] : wish.accessLogs;
  const logs = await readAccessLogs(files, popularity, deps.signal);
  const popular = popularity.top(wish.popular).map(({ path }) => path);
  const paths = [...new Set([...wish.paths, ...popular])].slice(0, PATHS_MAX);
  if (paths.length === 0 || deps.edges.size === 0)
    return { says: `nothing to fetch${logsText(logs)}`, paths, edges: [], logs };
  const seeding = [...deps.edges].map(([edge, client]) =>
    seedEdge(deps, wish, paths, edge, client),
  );
  const edges = await Promise.all(seeding);
  deps.signal.throwIfAborted();
  const objects = sum(edges, ({ objectsFetched }) => objectsFetched);
  if (objects === 0)
    throw new OperatorError(
      `seeding: got nothing of ${counted(paths.length, "path")}, expected objects in ${counted(edges.length, "edge")}: ${whyNothing(edges)}`,
    );
  return { says: `${saysOf(edges, objects)}${logsText(logs)}`, paths, edges, logs };
}

function check({ paths, popular, perSecond, idempotencyKey }: SeedWish): void {
  const wrong = (what: string, got: unknown, expected: string) => {
    throw new OperatorError(`${what}: got ${JSON.stringify(got)}, expected ${expected}`);
  };
  if (paths.length > PATHS_MAX) wrong("paths", paths.length, `at most ${PATHS_MAX}`);
  const bad = paths.find((path) => !path.startsWith("/"));
  if (bad !== undefined) wrong("paths", bad, "a path such as /live/cam-0001/index.m3u8");
  if (!Number.isSafeInteger(popular) || popular < 0 || popular > PATHS_MAX)
    wrong("popular", popular, `a whole number from 0 to ${PATHS_MAX}`);
  if (!(perSecond > 0)) wrong("perSecond", perSecond, "a number above 0");
  if (idempotencyKey === "") wrong("idempotencyKey", idempotencyKey, "a key");
}

const sum = (edges: readonly EdgeSeeded[], of: (priming: Priming) => number) =>
  edges.reduce((all, { priming }) => all + (priming ? of(priming) : 0), 0);

function saysOf(edges: readonly EdgeSeeded[], objects: number): string {
  const megabytes = sum(edges, ({ bytes }) => Number(bytes)) / 1e6;
  const failed = sum(edges, ({ objectsFailed }) => objectsFailed);
  const ready = edges.filter(({ problem }) => problem === "");
  const size = `${megabytes.toFixed(1)} MB`;
  const [failure] = edges.flatMap(({ priming }) => priming?.failures ?? []);
  const example = failure ? ` (${failure.path}: ${failure.reason})` : "";
  return [
    `${counted(objects, "object")} (${size}) fetched into ${counted(ready.length, "edge")}`,
    ...(failed > 0 ? [`${failed} could not be fetched${example}`] : []),
    ...edges
      .filter(({ problem }) => problem !== "")
      .map(({ edge, problem }) => `${edge}: ${problem}`),
  ].join("; ");
}

function whyNothing(edges: readonly EdgeSeeded[]): string {
  return edges
    .map(({ edge, problem, priming }) => {
      const [failure] = priming?.failures ?? [];
      return `${edge}: ${problem || (failure ? `${failure.path}: ${failure.reason}` : "nothing")}`;
    })
    .join("; ");
}

/** Also of what the logs had that was no line of theirs. */
function logsText({ lines, counted: requests, problems }: LogsRead): string {
  const read = lines > 0 ? `; ${requests} of ${counted(lines, "line")} of access logs count` : "";
  return problems.length === 0 ? read : `${read}; ${problems[0]}`;
}

/** An edge is killed: until its viewers get media from another one, and until OpsBot has seen it and it is well again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { EntryKind } from "@glassline/proto/opsbot";
import { EdgePhase } from "@glassline/proto/node";
import { systemClock } from "@glassline/service/clock";

import type { Edge, EdgeNetwork } from "./edge-network.ts";
import { CHANNEL, startEdgeNetwork } from "./edge-network.ts";
import { until } from "./opsbot-process.ts";
import type { Got } from "./viewer.ts";
import { Viewer } from "./viewer.ts";

const BENCH = "viewers-failover";
const VIEWERS = 10;
const SIZES = {
  full: { edges: 5, kills: 200 },
  // Each edge once.
  quick: { edges: 2, kills: 2 },
} as const;
/** Of the channel: the test card has a keyframe each 2 s. */
const SEGMENT_MS = 2_000;
/** Of each viewer, before its edge is killed. */
const SEGMENTS_BEFORE = 2;
/** A node-agent starts an edge that ended sooner than that again after a longer pause. */
const STABLE_MS = 31_000;
const LOST_MS = 60_000;
const RETRY_MS = 20;
const NANO_PER_MS = 1e6;

export async function measureViewersFailover(isQuick: boolean): Promise<void> {
  const { edges: count, kills } = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `${VIEWERS} viewers play a live channel with segments of ${SEGMENT_MS / 1_000} s from one of ${count} edges, which are run by a node-agent and share a machine with all else; the edge's process is killed by SIGKILL. From then on, of each viewer: until it has the first answer of another edge (answered), and the first segment (media). A segment that is due may not have been made yet: media_late is how much later it came than to a viewer of another edge, or than the kill, whichever was later. Of OpsBot with its own checks, each second: until the incident is written down (confirmed); until the node-agent says that the edge is ready again (edge_ready), and until OpsBot has primed it, looked at it and closed the incident (repaired). An edge has run for half a minute before it is killed; OpsBot's budgets are as large as they can be. Goals: answered and media_late 1.0 s (p99), confirmed and repaired 5 s. Elsewhere, quoted and not measured: keepalived about 3 s, Kubernetes 40 s until a node is not ready.`,
  );
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const network = stack.use(await startEdgeNetwork(directory, count));
  const all: Failover[] = [];
  const readyMs = network.edges.map(() => Number.NEGATIVE_INFINITY);
  for (let at = 0; at < kills; at++) {
    const which = at % count;
    const edge = network.edges[which]!;
    const waitMs = Math.max(0, readyMs[which]! + STABLE_MS - performance.now());
    await delay(waitMs);
    all.push(await failover(network, edge));
    readyMs[which] = performance.now();
  }
  tell(all, { edges: count, kills, viewers: VIEWERS });
}

interface Failover {
  answeredMs: number[];
  mediaMs: number[];
  lateMs: number[];
  /** Viewers that got nothing. */
  lost: number;
  /** Undefined where it took too long. */
  repair: { confirmedMs: number; edgeReadyMs: number; repairedMs: number } | undefined;
}

async function failover(network: EdgeNetwork, edge: Edge): Promise<Failover> {
  await using stack = new AsyncDisposableStack();
  const { opsbot, edges } = network;
  const others = edges.filter((other) => other !== edge);
  const urls = [edge, ...others].map(({ url }) => `${url}/live/${CHANNEL}/index.m3u8`);
  const viewers = Array.from({ length: VIEWERS }, (_, at) =>
    stack.use(new Viewer(`viewer-${at}`, urls)),
  );
  const undisturbed = stack.use(new Viewer("undisturbed", urls.toReversed()));
  await until(`viewers play from ${edge.name}`, () => {
    const isWatching = ({ segments, pathway }: Viewer) =>
      segments >= SEGMENTS_BEFORE && pathway === edge.name;
    return viewers.every(isWatching) || undefined;
  });
  const known = (await opsbot.incidents())[0]?.id ?? 0n;
  const { processId } = await network.stateOf(edge);
  // At any moment of a segment.
  await delay(Math.random() * SEGMENT_MS);
  const killedUnixNano = systemClock.nowUnixNano();
  const killedMs = performance.now();
  process.kill(processId, "SIGKILL");
  const [served, repair] = await Promise.all([
    Promise.all(viewers.map((viewer) => servedAgain(viewer, edge, killedMs))),
    Promise.all([readyAgain(network, edge, processId), incidentsOf(network, edge, known)]).catch(
      () => undefined,
    ),
  ]);
  const media = served.flatMap(({ first }) => first ?? []);
  return {
    answeredMs: served.flatMap(({ answeredMs }) => answeredMs ?? []),
    mediaMs: media.map(({ atMs }) => atMs - killedMs),
    lateMs: media.map((got) => lateness(got, [undisturbed, ...viewers], killedMs)),
    lost: VIEWERS - media.length,
    repair: repair && {
      edgeReadyMs: repair[0] - killedMs,
      confirmedMs: Number(repair[1].seenUnixNano - killedUnixNano) / NANO_PER_MS,
      repairedMs: Number(repair[1].closedUnixNano - killedUnixNano) / NANO_PER_MS,
    },
  };
}

/** From the kill on; undefined where nothing came. */
async function servedAgain(viewer: Viewer, edge: Edge, killedMs: number) {
  const later = () => viewer.got.filter((got) => got.atMs > killedMs && got.edge !== edge.url);
  const first = await until(
    "media of another edge",
    () => later().find(({ isMedia }) => isMedia),
    LOST_MS,
    RETRY_MS,
  ).catch(() => undefined);
  const answered = later()[0];
  return { answeredMs: answered && answered.atMs - killedMs, first };
}

/** A segment is there when the first of all has it. */
function lateness({ path, atMs }: Got, all: readonly Viewer[], killedMs: number): number {
  const same = all.flatMap(({ got }) => got).filter((one) => one.path === path);
  return atMs - Math.max(killedMs, Math.min(...same.map((one) => one.atMs)));
}

async function readyAgain(network: EdgeNetwork, edge: Edge, processId: number): Promise<number> {
  await until(
    `${edge.name} is ready again`,
    async () => {
      const state = await network.stateOf(edge);
      return (state.phase === EdgePhase.READY && state.processId !== processId) || undefined;
    },
    LOST_MS,
    RETRY_MS,
  );
  return performance.now();
}

/** When OpsBot wrote the first of its incidents down, and when the last one was over. */
async function incidentsOf({ opsbot }: EdgeNetwork, { name }: Edge, known: bigint) {
  const incidents = await until(
    `the end of ${name}'s incidents`,
    async () => {
      const all = await opsbot.incidents();
      const own = all.filter((one) => one.id > known && one.object === name);
      const isOver = own.length > 0 && own.every(({ closedUnixNano }) => closedUnixNano > 0n);
      return isOver ? own : undefined;
    },
    LOST_MS,
    100,
  );
  // The newest are told first.
  const { entries } = await opsbot.story(incidents.at(-1)!.id);
  const seen = entries.find(({ kind }) => kind === EntryKind.SEEN)!;
  const ends = incidents.map(({ closedUnixNano }) => closedUnixNano);
  const closedUnixNano = ends.reduce((last, one) => (one > last ? one : last));
  return { seenUnixNano: seen.timeUnixNano, closedUnixNano };
}

function tell(all: readonly Failover[], params: Record<string, number>): void {
  const repairs = all.flatMap(({ repair }) => repair ?? []);
  const times = {
    answered: all.flatMap(({ answeredMs }) => answeredMs),
    media: all.flatMap(({ mediaMs }) => mediaMs),
    media_late: all.flatMap(({ lateMs }) => lateMs),
    confirmed: repairs.map(({ confirmedMs }) => confirmedMs),
    edge_ready: repairs.map(({ edgeReadyMs }) => edgeReadyMs),
    repaired: repairs.map(({ repairedMs }) => repairedMs),
  };
  for (const [name, values] of Object.entries(times)) {
    report(BENCH, `${name}_p50`, quantile(values, 0.5), "ms", params);
    report(BENCH, `${name}_p99`, quantile(values, 0.99), "ms", params);
    report(BENCH, `${name}_worst`, quantile(values, 1), "ms", params);
  }
  const lost = all.reduce((sum, one) => sum + one.lost, 0);
  report(BENCH, "viewers_without_media", lost, "", params);
  report(BENCH, "not_repaired", all.length - repairs.length, "", params);
}

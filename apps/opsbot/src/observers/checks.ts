/** What the embedded monitor looks at. */
import type { MeshAdminService } from "@glassline/proto/mesh";
import { EdgePhase } from "@glassline/proto/node";
import type { Client } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";

import { judgeSilence } from "../core/judge/cameras.ts";
import { judgeChannels, judgeFreshness, judgeLatency } from "../core/judge/channels.ts";
import { judgeIngestion } from "../core/judge/collectors.ts";
import { NOT_ANSWERING, UNKNOWN_EDGE, judgeHealth, judgeHitRate } from "../core/judge/edges.ts";
import { judgeKeys } from "../core/judge/keys.ts";
import { judgeLinks } from "../core/judge/links.ts";
import { findingOf } from "../core/verdict.ts";
import type { Look, Machines } from "../machines.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { Status } from "./edge-looks.ts";
import { EdgeLooks } from "./edge-looks.ts";
import type { Check } from "./monitor.ts";
import type { Finding } from "./observer.ts";
import { silentOf } from "./silence.ts";
import { streamsCheck } from "./streams.ts";

/** So long a node may take to make its links, and a collector to be started again. */
const LINKING_MS = 60_000;
const STARTING_MS = 30_000;

export interface ChecksDeps {
  network: Network;
  machines: Machines;
  clock: Clock;
  /** Between two looks. */
  intervalMs: number;
}

export function checksOf(deps: ChecksDeps): Check[] {
  const { network, clock } = deps;
  const nowMs = () => clock.nowMs();
  const looks = new EdgeLooks(network, clock, deps.intervalMs);
  const sampled = { maxAttempts: 3, volatile: false };
  return [
    { name: "process", maxAttempts: 1, volatile: true, run: processCheck(deps) },
    { name: "health", ...sampled, run: healthCheck(deps, looks) },
    {
      name: "hit-rate",
      ...sampled,
      run: (isAnew) => eachEdge(network, looks, isAnew, hitRateOf),
    },
    { name: "channels", ...sampled, run: () => channels(network, nowMs) },
    {
      name: "freshness",
      ...sampled,
      run: streamsCheck(network, looks, "freshness", (views) => judgeFreshness(views)),
    },
    { name: "latency", ...sampled, run: streamsCheck(network, looks, "latency", judgeLatency) },
    { name: "mesh-link", ...sampled, run: meshLinkCheck(network, nowMs) },
    { name: "link-keys", ...sampled, run: () => linkKeys(network, nowMs) },
    { name: "silence", ...sampled, run: () => silence(network) },
    { name: "ingestion", ...sampled, run: ingestionCheck(deps) },
  ];
}

async function eachEdge(
  { edges }: Network,
  looks: EdgeLooks,
  isAnew: boolean | undefined,
  find: (edge: string, status: Status) => Finding[],
): Promise<Finding[]> {
  const findings = await Promise.all(
    [...edges].map(async ([edge, client]) => find(edge, await looks.status(client, isAnew))),
  );
  return findings.flat();
}

/** A process that ended is a fact, also when it runs again already. */
function processCheck({ network, machines }: ChecksDeps): Check["run"] {
  const endsSeen = new Map<string, bigint>();
  return async (isAnew) => {
    const { edges, away } = await machines.lately(isAnew);
    const [unseen] = [...away];
    if (unseen && edges.length === 0) throw new Error(`${unseen[0]} does not answer: ${unseen[1]}`);
    // A channel's edge that is not known yet comes, and one that is known no more goes.
    const known = edges.filter(({ spec }) => !spec?.channel || network.edges.has(spec.name));
    return known.map(({ spec, phase, lastEnd, lastEndUnixNano, processId }): Finding => {
      const object = spec?.name ?? "";
      // The agent may have been started again, and know of no end.
      const seen = endsSeen.get(object) ?? lastEndUnixNano;
      const ended = lastEndUnixNano > seen;
      endsSeen.set(object, ended ? lastEndUnixNano : seen);
      const waits = phase === EdgePhase.WAITING;
      if (ended || (waits && lastEnd !== ""))
        return {
          object,
          check: "process",
          state: "critical",
          output: `it has ended by itself (${lastEnd})`,
        };
      return {
        object,
        check: "process",
        state: "ok",
        output: waits ? "it is about to be started" : `process ${processId} runs`,
      };
    });
  };
}

/** An edge that the node-agent is about to start is given time; how it ended is told by the check of its process. */
function healthCheck({ network, machines }: ChecksDeps, looks: EdgeLooks): Check["run"] {
  return async (isAnew) => {
    const starting = startingEdges(await machines.lately(isAnew));
    return eachEdge(network, looks, isAnew, (edge, status) => [
      healthOf(edge, status, starting.has(edge)),
    ]);
  };
}

function startingEdges({ edges }: Look): ReadonlySet<string> {
  const names = edges.flatMap(({ spec, phase }) =>
    phase === EdgePhase.STARTING || phase === EdgePhase.WAITING ? [spec?.name ?? ""] : [],
  );
  return new Set(names);
}

function healthOf(edge: string, status: Status, isStarting: boolean): Finding {
  if (!(status instanceof Error)) return findingOf(edge, "health", judgeHealth(status));
  return isStarting
    ? { object: edge, check: "health", state: "pending", output: "it is being started" }
    : findingOf(edge, "health", NOT_ANSWERING);
}

function hitRateOf(edge: string, status: Status): Finding[] {
  const verdict = status instanceof Error ? UNKNOWN_EDGE : judgeHitRate(status);
  return verdict ? [findingOf(edge, "hit-rate", verdict)] : [];
}

/** Whether the origin tells its channels; those told last are looked at meanwhile. */
async function channels(
  { channels: list, origin }: Network,
  nowMs: () => number,
): Promise<Finding[]> {
  if (!origin) return [];
  const found = await list.refresh().catch(() => undefined);
  return [findingOf(origin, "channels", found ? judgeChannels(found, nowMs()) : NOT_ANSWERING)];
}

/**
 * A node that does not answer is not judged: its neighbours tell of their links to it. One that is heard of for the first time is given
 * time to make its links.
 */
function meshLinkCheck({ meshNodes }: Network, nowMs: () => number): () => Promise<Finding[]> {
  const judgedFromMs = new Map<string, number>();
  const look = async (node: string, client: Client<typeof MeshAdminService>): Promise<Finding> => {
    const about = { object: node, check: "mesh-link" };
    const status = await client.getStatus({}, LIMITED).catch(() => undefined);
    if (!status) return { ...about, state: "unknown", output: "it does not answer" };
    const verdict = judgeLinks(status.links);
    const fromMs = judgedFromMs.get(node) ?? nowMs() + LINKING_MS;
    judgedFromMs.set(node, verdict.state === "ok" ? 0 : fromMs);
    return nowMs() < fromMs && verdict.state !== "ok"
      ? { ...about, state: "pending", output: "its links are being made" }
      : findingOf(node, "mesh-link", verdict);
  };
  return () => Promise.all([...meshNodes].map(([node, client]) => look(node, client)));
}

/** Of each link by itself: new keys are for one, and are agreed on by its ends. */
async function linkKeys({ meshNodes }: Network, nowMs: () => number): Promise<Finding[]> {
  const found = await Promise.all(
    [...meshNodes].map(async ([node, client]) => {
      const status = await client.getStatus({}, LIMITED).catch(() => undefined);
      return (status?.links ?? []).flatMap((link) => {
        const name = `${node}/${link.neighbour}`;
        const verdict = meshNodes.has(link.neighbour) && judgeKeys(name, link, nowMs());
        return verdict ? [findingOf(name, "link-keys", verdict)] : [];
      });
    }),
  );
  return found.flat();
}

/** One that does not answer takes nothing in. Its supervisor is given time to start it. */
function ingestionCheck({ network, clock }: ChecksDeps): Check["run"] {
  const awaySinceMs = new Map<string, number>();
  return () =>
    Promise.all(
      [...network.replicas].map(async ([replica, client]) => {
        const status = await client.getStatus({}, LIMITED).catch(() => undefined);
        const nowMs = clock.monotonicMs();
        const sinceMs = status ? undefined : (awaySinceMs.get(replica) ?? nowMs);
        if (sinceMs === undefined) awaySinceMs.delete(replica);
        else awaySinceMs.set(replica, sinceMs);
        const isStarting = sinceMs !== undefined && nowMs - sinceMs < STARTING_MS;
        const verdict = status ? judgeIngestion(status) : NOT_ANSWERING;
        return findingOf(replica, "ingestion", {
          ...verdict,
          ...(isStarting && { state: "warning" }),
        });
      }),
    );
}

async function silence({ collector }: Network): Promise<Finding[]> {
  if (!collector) return [];
  const { cameras } = await collector.listCameras({}, LIMITED);
  return [findingOf("cameras", "silence", judgeSilence(silentOf(cameras), cameras.length))];
}

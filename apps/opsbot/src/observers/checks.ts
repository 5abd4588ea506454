/** What the embedded monitor looks at. */
import type { GetStatusResponse } from "@glassline/proto/edge";
import { EdgePhase } from "@glassline/proto/node";
import { CameraState } from "@glassline/proto/query";

import { counted } from "../core/words.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { Check } from "./monitor.ts";
import type { Finding } from "./observer.ts";
import { freshness, latency, notAnswering, streams } from "./streams.ts";

/** With fewer viewers the share of hits says nothing: each object is new to somebody. */
const HIT_RATE_LEAST_VIEWERS = 10;
const HIT_RATE = { warning: 0.5, critical: 0.2 } as const;
const SILENT_SHARE_CRITICAL = 0.1;
const NAMES_SHOWN = 5;

export function checksOf(network: Network, nowMs: () => number): Check[] {
  const sampled = { maxAttempts: 3, volatile: false };
  return [
    { name: "process", maxAttempts: 1, volatile: true, run: processCheck(network) },
    { name: "health", ...sampled, run: healthCheck(network) },
    { name: "hit-rate", ...sampled, run: () => eachEdge(network, hitRateOf) },
    { name: "channels", ...sampled, run: () => channels(network) },
    { name: "freshness", ...sampled, run: () => streams(network, nowMs, "freshness", freshness) },
    { name: "latency", ...sampled, run: () => streams(network, nowMs, "latency", latency) },
    { name: "silence", ...sampled, run: () => silence(network) },
  ];
}

type Status = GetStatusResponse | Error;

async function eachEdge(
  { edges }: Network,
  look: (edge: string, status: Status) => Finding[],
): Promise<Finding[]> {
  const findings = await Promise.all(
    [...edges].map(async ([edge, client]) => {
      const status = await client.getStatus({}, LIMITED).catch((error: unknown) => error as Error);
      return look(edge, status);
    }),
  );
  return findings.flat();
}

/** A process that ended is a fact, also when it runs again already. */
function processCheck({ agent }: Network): () => Promise<Finding[]> {
  const endsSeen = new Map<string, bigint>();
  return async () => {
    if (!agent) return [];
    const { edges } = await agent.getStatus({}, LIMITED);
    return edges.map(({ spec, phase, lastEnd, lastEndUnixNano, processId }): Finding => {
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
function healthCheck(network: Network): () => Promise<Finding[]> {
  return async () => {
    const starting = await startingEdges(network);
    return eachEdge(network, (edge, status) => [healthOf(edge, status, starting.has(edge))]);
  };
}

async function startingEdges({ agent }: Network): Promise<ReadonlySet<string>> {
  const status = await agent?.getStatus({}, LIMITED).catch(() => undefined);
  const names = status?.edges.flatMap(({ spec, phase }) =>
    phase === EdgePhase.STARTING || phase === EdgePhase.WAITING ? [spec?.name ?? ""] : [],
  );
  return new Set(names);
}

function healthOf(edge: string, status: Status, isStarting: boolean): Finding {
  const found = (state: Finding["state"], output: string) => ({
    object: edge,
    check: "health",
    state,
    output,
  });
  if (status instanceof Error)
    return isStarting
      ? found("pending", "it is being started")
      : found("critical", "it does not answer");
  return status.originReachable
    ? found("ok", `${counted(status.viewers, "viewer")}, ${counted(status.objects, "object")}`)
    : found("warning", "it does not reach its origin");
}

function hitRateOf(edge: string, status: Status): Finding[] {
  const check = "hit-rate";
  if (status instanceof Error) return [notAnswering(edge, check)];
  if (!status.recent) return [];
  const { hits, coalesced, misses } = status.recent;
  const all = Number(hits + coalesced + misses);
  if (status.viewers < HIT_RATE_LEAST_VIEWERS || all === 0)
    return [
      {
        object: edge,
        check,
        state: "ok",
        output: `${counted(status.viewers, "viewer")}: too few to judge`,
      },
    ];
  const value = Number(hits + coalesced) / all;
  const state =
    value < HIT_RATE.critical ? "critical" : value < HIT_RATE.warning ? "warning" : "ok";
  return [
    {
      object: edge,
      check,
      state,
      output: `${(value * 100).toFixed(0)} % of ${all} requests`,
      value,
      ...HIT_RATE,
    },
  ];
}

/** Whether the origin tells its channels; those told last are looked at meanwhile. */
async function channels({ channels: list, origin }: Network): Promise<Finding[]> {
  if (!origin) return [];
  const found = await list.refresh().catch(() => undefined);
  const output = found ? counted(found.length, "channel") : "it does not answer";
  return [{ object: origin, check: "channels", state: found ? "ok" : "critical", output }];
}

async function silence({ collector }: Network): Promise<Finding[]> {
  if (!collector) return [];
  const { cameras } = await collector.listCameras({}, LIMITED);
  const silent = cameras
    .filter(({ state }) => state === CameraState.SILENT)
    .map(({ cameraId }) => cameraId);
  const names =
    silent.slice(0, NAMES_SHOWN).join(", ") + (silent.length > NAMES_SHOWN ? ", ..." : "");
  const share = cameras.length === 0 ? 0 : silent.length / cameras.length;
  const state = share > SILENT_SHARE_CRITICAL ? "critical" : silent.length > 0 ? "warning" : "ok";
  const output =
    silent.length === 0
      ? `${counted(cameras.length, "camera")} heard, none silent`
      : `${silent.length} of ${counted(cameras.length, "camera")} silent: ${names}`;
  return [{ object: "cameras", check: "silence", state, output, value: silent.length }];
}

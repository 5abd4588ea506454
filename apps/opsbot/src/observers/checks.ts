/** What the embedded monitor looks at. */
import { PROBE_USER_AGENT, getAs } from "@glassline/hls/fetch";
import type { MediaPlaylist } from "@glassline/hls/playlist";
import { parsePlaylist } from "@glassline/hls/playlist";
import type { GetStatusResponse } from "@glassline/proto/edge";
import { EdgePhase } from "@glassline/proto/node";
import type { Channel } from "@glassline/proto/origin";
import { ChannelKind } from "@glassline/proto/origin";
import { CameraState } from "@glassline/proto/query";
import { messageOf } from "@glassline/service/errors";

import type { State } from "../core/check-state.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { Check } from "./monitor.ts";
import type { Finding } from "./observer.ts";

const FETCH_TIMEOUT_MS = 2_000;
/** With fewer viewers the share of hits says nothing: each object is new to somebody. */
const HIT_RATE_LEAST_VIEWERS = 10;
const HIT_RATE = { warning: 0.5, critical: 0.2 } as const;
const SILENT_SHARE_CRITICAL = 0.1;
const NAMES_SHOWN = 5;

const probe = getAs(PROBE_USER_AGENT);

export function checksOf(network: Network, nowMs: () => number): Check[] {
  const sampled = { maxAttempts: 3, volatile: false };
  return [
    { name: "process", maxAttempts: 1, volatile: true, run: processCheck(network) },
    { name: "health", ...sampled, run: healthCheck(network) },
    { name: "hit-rate", ...sampled, run: () => eachEdge(network, hitRateOf) },
    { name: "channels", ...sampled, run: () => channels(network) },
    { name: "freshness", ...sampled, run: () => streams(network, nowMs, freshness) },
    { name: "latency", ...sampled, run: () => streams(network, nowMs, latency) },
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
  const endsSeen = new Map<string, number>();
  return async () => {
    if (!agent) return [];
    const { edges } = await agent.getStatus({}, LIMITED);
    return edges.map(({ spec, phase, unexpectedEnds, lastEnd, processId }): Finding => {
      const object = spec?.name ?? "";
      const ended = unexpectedEnds > (endsSeen.get(object) ?? unexpectedEnds);
      endsSeen.set(object, unexpectedEnds);
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
  const found = (state: State, output: string) => ({
    object: edge,
    check: "health",
    state,
    output,
  });
  if (status instanceof Error)
    return isStarting
      ? found("warning", "it is being started")
      : found("critical", "it does not answer");
  return status.originReachable
    ? found("ok", `${status.viewers} viewers, ${status.objects} objects`)
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
      { object: edge, check, state: "ok", output: `${status.viewers} viewers: too few to judge` },
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
  const output = found ? `${found.length} channels` : "it does not answer";
  return [{ object: origin, check: "channels", state: found ? "ok" : "critical", output }];
}

type Look = (
  edge: string,
  url: string,
  channels: readonly Channel[],
  nowMs: number,
) => Promise<Finding>;

/** Channels whose encoder still sends are looked at through each edge, as a viewer would. */
async function streams(
  { channels: list, edges }: Network,
  nowMs: () => number,
  look: Look,
): Promise<Finding[]> {
  const live = list.known().filter((channel) => isLive(channel, nowMs()));
  return Promise.all(
    [...edges].map(async ([edge, client]) => {
      const status = await client.getStatus({}, LIMITED).catch(() => undefined);
      return status
        ? look(edge, status.publicUrl, live, nowMs())
        : notAnswering(edge, look === freshness ? "freshness" : "latency");
    }),
  );
}

/** Nobody can tell; that the edge is away is told by its own check. */
function notAnswering(edge: string, check: string): Finding {
  return { object: edge, check, state: "unknown", output: "the edge does not answer" };
}

function isLive({ kind, newestEndUnixNano, targetDurationMs }: Channel, nowMs: number): boolean {
  return (
    kind === ChannelKind.LOOP || nowMs - Number(newestEndUnixNano) / 1e6 < 5 * targetDurationMs
  );
}

/** How many segments an edge's playlists are behind the origin's; one is usual, the next may just have been made. */
async function freshness(edge: string, url: string, live: readonly Channel[]): Promise<Finding> {
  const check = "freshness";
  const behind = await Promise.all(
    live.map(async (channel) => {
      const playlist = await mediaPlaylist(url, channel).catch((error: unknown) =>
        messageOf(error),
      );
      if (typeof playlist === "string")
        return { channel, behind: Number.POSITIVE_INFINITY, why: playlist };
      const newest = playlist.segments.at(-1)?.sequence ?? 0;
      return { channel, behind: Number(channel.newestSequence) - newest, why: "" };
    }),
  );
  const worst = behind.toSorted((a, b) => b.behind - a.behind)[0];
  if (!worst || worst.behind <= 2)
    return {
      object: edge,
      check,
      state: "ok",
      output: `${live.length} channels are up to date`,
    };
  const state: State = worst.behind > 3 ? "critical" : "warning";
  const output = worst.why || `${worst.channel.name} is ${worst.behind} segments behind the origin`;
  return { object: edge, check, state, output };
}

/** How long ago the newest frame was captured that a viewer can get. */
async function latency(
  edge: string,
  url: string,
  live: readonly Channel[],
  nowMs: number,
): Promise<Finding> {
  const check = "latency";
  const found = await Promise.all(
    live.map(async (channel) => {
      const playlist = await mediaPlaylist(url, channel).catch(() => undefined);
      const newest = playlist?.segments.at(-1);
      if (!newest?.programTimeMs) return [];
      return [{ channel, ageMs: nowMs - newest.programTimeMs - newest.durationMs }];
    }),
  );
  const worst = found.flat().toSorted((a, b) => b.ageMs - a.ageMs)[0];
  if (!worst) return { object: edge, check, state: "ok", output: "no channel tells its time" };
  const { name, targetDurationMs } = worst.channel;
  const [warning, critical] = [2.5 * targetDurationMs, 5 * targetDurationMs];
  const state = worst.ageMs > critical ? "critical" : worst.ageMs > warning ? "warning" : "ok";
  const output = `${name}: the newest frame is ${(worst.ageMs / 1_000).toFixed(1)} s old`;
  return { object: edge, check, state, output, value: worst.ageMs, unit: "ms", warning, critical };
}

async function mediaPlaylist(url: string, { path }: Channel): Promise<MediaPlaylist> {
  const index = await playlistAt(`${url}${path}`);
  if (index.kind === "media") return index;
  const variant = index.variants.find(({ uri }) => uri.startsWith(url)) ?? index.variants[0];
  if (!variant) throw new Error(`${path} offers nothing`);
  const media = await playlistAt(new URL(variant.uri, `${url}${path}`).href);
  if (media.kind !== "media") throw new Error(`${path}: got no media playlist`);
  return media;
}

async function playlistAt(url: string) {
  const { status, body } = await probe(url, AbortSignal.timeout(FETCH_TIMEOUT_MS));
  if (status !== 200) throw new Error(`${new URL(url).pathname}: status ${status}`);
  return parsePlaylist(new TextDecoder().decode(body));
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
      ? `all ${cameras.length} cameras are heard`
      : `${silent.length} of ${cameras.length} cameras are silent: ${names}`;
  return [{ object: "cameras", check: "silence", state, output, value: silent.length }];
}

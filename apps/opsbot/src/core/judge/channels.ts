/** Channels as the origin tells them, and as viewers get them through an edge. Pure. */
import type { MediaPlaylist } from "@glassline/hls/playlist";
import type { Channel } from "@glassline/proto/origin";
import { ChannelKind } from "@glassline/proto/origin";

import type { State } from "../check-state.ts";
import type { Limits } from "../range.ts";
import { upTo, stateOf } from "../range.ts";
import type { Measure, Verdict } from "../verdict.ts";
import { counted } from "../words.ts";

export const UNKNOWN_ORIGIN: Verdict = { state: "unknown", output: "the origin does not answer" };

/** Segments; one behind is usual, the next may just have been made. */
export const FRESHNESS: Limits = { warning: upTo(2), critical: upTo(3) };
/** In target durations of a channel: how old its newest frame may be, and how long its encoder may be silent. */
export const LATENCY = { warning: 2.5, critical: 5 } as const;

type Told = Pick<Channel, "name" | "kind" | "newestEndUnixNano" | "targetDurationMs">;

/** Whether its encoder still sends. */
export function isLive(
  { kind, newestEndUnixNano, targetDurationMs }: Omit<Told, "name">,
  nowMs: number,
): boolean {
  const silentMs = nowMs - Number(newestEndUnixNano) / 1e6;
  return kind === ChannelKind.LOOP || silentMs < LATENCY.critical * targetDurationMs;
}

/** @param expected names of channels that must be there, and live. */
export function judgeChannels(
  channels: readonly Told[],
  nowMs: number,
  { expected = [], limits = {} }: { expected?: readonly string[]; limits?: Limits } = {},
): Verdict {
  const missing = expected.filter((name) => !channels.some((channel) => channel.name === name));
  const silent = channels.filter(
    (channel) => expected.includes(channel.name) && !isLive(channel, nowMs),
  );
  const wrong = [
    ...missing.map((name) => `there is no channel ${name}`),
    ...silent.map(({ name }) => `the encoder of ${name} does not send`),
  ];
  return {
    state: wrong.length > 0 ? "critical" : stateOf(channels.length, limits),
    output: wrong[0] ?? counted(channels.length, "channel"),
    measures: [{ label: "channels", value: channels.length, unit: "", limits, min: 0 }],
    details: [...wrong.slice(1), ...channels.map(({ name }) => name)],
  };
}

/** A channel's playlist as an edge gave it, or why it gave none. */
export interface PlaylistView {
  channel: Pick<Channel, "name" | "newestSequence" | "targetDurationMs">;
  playlist: MediaPlaylist | string;
}

interface Judged {
  name: string;
  value: number;
  limits: Limits;
  why?: string | undefined;
}

/** How many segments an edge's playlists are behind the origin's. */
export function judgeFreshness(
  views: readonly PlaylistView[],
  limits: Limits = FRESHNESS,
): Verdict {
  const judged = views.map(({ channel: { name, newestSequence }, playlist }): Judged => {
    if (typeof playlist === "string")
      return { name, value: Number.POSITIVE_INFINITY, limits, why: playlist };
    const newest = playlist.segments.at(-1)?.sequence ?? 0;
    return { name, value: Math.max(0, Number(newestSequence) - newest), limits };
  });
  const told = ({ name, value, why }: Judged) =>
    why ?? `${name} is ${counted(value, "segment")} behind the origin`;
  return verdictOf(judged, "behind", "", told, `${counted(views.length, "channel")} up to date`);
}

/**
 * How long ago the newest frame was captured that a viewer can get.
 * @param given milliseconds; left out: by each channel's target duration.
 */
export function judgeLatency(
  views: readonly PlaylistView[],
  nowMs: number,
  given?: Limits,
): Verdict {
  const judged = views.flatMap(({ channel, playlist }): Judged[] => {
    const newest = typeof playlist === "string" ? undefined : playlist.segments.at(-1);
    if (!newest?.programTimeMs) return [];
    const value = Math.max(0, nowMs - newest.programTimeMs - newest.durationMs);
    const limits = given ?? {
      warning: upTo(LATENCY.warning * channel.targetDurationMs),
      critical: upTo(LATENCY.critical * channel.targetDurationMs),
    };
    return [{ name: channel.name, value, limits }];
  });
  if (judged.length === 0) return { state: "ok", output: "no channel tells its time" };
  return verdictOf(judged, "latency", "ms", ({ name, value }) => {
    return `${name}: the newest frame is ${(value / 1_000).toFixed(1)} s old`;
  });
}

/** By the worst of them. @param allWell what is said when none is a problem; left out: what the worst one says. */
function verdictOf(
  judged: readonly Judged[],
  label: string,
  unit: Measure["unit"],
  told: (judged: Judged) => string,
  allWell?: string,
): Verdict {
  const order: readonly State[] = ["critical", "warning", "ok"];
  const withStates = judged
    .map((each) => ({ each, state: each.why === undefined ? judge(each) : ("critical" as const) }))
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || larger(a.each, b.each));
  const [worst] = withStates;
  const state = worst?.state ?? "ok";
  return {
    state,
    output: worst && (state !== "ok" || allWell === undefined) ? told(worst.each) : (allWell ?? ""),
    measures: withStates.flatMap(({ each: { name, value, limits } }, at) => {
      const measure = { value, unit, limits, min: 0 };
      const own = { label: `${label}_${name}`, ...measure };
      return at === 0 ? [{ label, ...measure }, own] : [own];
    }),
    details: withStates.map(({ each, state }) => `${state}: ${told(each)}`),
  };
}

const judge = ({ value, limits }: Judged): State => stateOf(value, limits);
const larger = (a: Judged, b: Judged) => (a.value === b.value ? 0 : b.value - a.value);

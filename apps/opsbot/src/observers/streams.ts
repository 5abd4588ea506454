/** Channels as viewers get them through an edge: whether they are fresh, and how old what they show is. */
import { PROBE_USER_AGENT, getAs } from "@glassline/hls/fetch";
import type { MediaPlaylist } from "@glassline/hls/playlist";
import { parsePlaylist } from "@glassline/hls/playlist";
import type { Channel } from "@glassline/proto/origin";
import { ChannelKind } from "@glassline/proto/origin";
import { messageOf } from "@glassline/service/errors";

import { counted } from "../core/words.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { Finding } from "./observer.ts";

const FETCH_TIMEOUT_MS = 2_000;
const probe = getAs(PROBE_USER_AGENT);

/** What a look at the channels of one edge says. */
type Verdict = Omit<Finding, "object" | "check">;

type Look = (url: string, channels: readonly Channel[], nowMs: number) => Promise<Verdict>;

/** Nothing that could be done to the edge would help: it is not judged. */
class NotJudged extends Error {}

const UNKNOWN_EDGE: Verdict = { state: "unknown", output: "the edge does not answer" };
const UNKNOWN_ORIGIN: Verdict = { state: "unknown", output: "the origin does not answer" };

/** Nobody can tell; that the edge is away is told by its own check. */
export function notAnswering(object: string, check: string): Finding {
  return { object, check, ...UNKNOWN_EDGE };
}

/** Channels whose encoder still sends are looked at through each edge, as a viewer would. */
export async function streams(
  { channels, edges }: Network,
  nowMs: () => number,
  check: string,
  look: Look,
): Promise<Finding[]> {
  const live = channels.known().filter((channel) => isLive(channel, nowMs()));
  return Promise.all(
    [...edges].map(async ([object, client]) => {
      const status = await client.getStatus({}, LIMITED).catch(() => undefined);
      if (!status) return notAnswering(object, check);
      const verdict: Verdict = await look(status.publicUrl, live, nowMs()).catch(
        (error: unknown): Verdict => {
          if (error instanceof NotJudged) return { state: "unknown", output: error.message };
          throw error;
        },
      );
      const isProblem = verdict.state !== "ok" && !channels.reachable();
      return { object, check, ...(isProblem ? UNKNOWN_ORIGIN : verdict) };
    }),
  );
}

function isLive({ kind, newestEndUnixNano, targetDurationMs }: Channel, nowMs: number): boolean {
  return (
    kind === ChannelKind.LOOP || nowMs - Number(newestEndUnixNano) / 1e6 < 5 * targetDurationMs
  );
}

/** How many segments an edge's playlists are behind the origin's; one is usual, the next may just have been made. */
export const freshness: Look = async (url, live) => {
  const behind = await Promise.all(
    live.map(async (channel) => {
      const playlist = await mediaPlaylist(url, channel).catch(unlessNotJudged);
      if (typeof playlist === "string")
        return { channel, behind: Number.POSITIVE_INFINITY, why: playlist };
      const newest = playlist.segments.at(-1)?.sequence ?? 0;
      return { channel, behind: Number(channel.newestSequence) - newest, why: "" };
    }),
  );
  const worst = behind.toSorted((a, b) => b.behind - a.behind)[0];
  if (!worst || worst.behind <= 2)
    return { state: "ok", output: `${counted(live.length, "channel")} up to date` };
  return {
    state: worst.behind > 3 ? "critical" : "warning",
    output: worst.why || `${worst.channel.name} is ${worst.behind} segments behind the origin`,
  };
};

/** How long ago the newest frame was captured that a viewer can get. */
export const latency: Look = async (url, live, nowMs) => {
  const found = await Promise.all(
    live.map(async (channel) => {
      const playlist = await mediaPlaylist(url, channel).catch(unlessNotJudged);
      const newest = typeof playlist === "string" ? undefined : playlist.segments.at(-1);
      if (!newest?.programTimeMs) return [];
      return [{ channel, ageMs: nowMs - newest.programTimeMs - newest.durationMs }];
    }),
  );
  const worst = found.flat().toSorted((a, b) => b.ageMs - a.ageMs)[0];
  if (!worst) return { state: "ok", output: "no channel tells its time" };
  const { name, targetDurationMs } = worst.channel;
  const ageMs = Math.max(0, worst.ageMs);
  const [warning, critical] = [2.5 * targetDurationMs, 5 * targetDurationMs];
  const state = ageMs > critical ? "critical" : ageMs > warning ? "warning" : "ok";
  const output = `${name}: the newest frame is ${(ageMs / 1_000).toFixed(1)} s old`;
  return { state, output, value: ageMs, unit: "ms", warning, critical };
};

/** @returns why there is no playlist. Throws NotJudged. */
function unlessNotJudged(error: unknown): string {
  if (error instanceof NotJudged) throw error;
  return messageOf(error);
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
  const { status, body } = await probe(url, AbortSignal.timeout(FETCH_TIMEOUT_MS)).catch(() => {
    // It may be the way that is broken: whether the edge itself is well is told by its own check.
    throw new NotJudged(`no answer at ${new URL(url).origin}`);
  });
  if (status === 502 || status === 504) throw new NotJudged(UNKNOWN_ORIGIN.output);
  if (status !== 200) throw new Error(`${new URL(url).pathname}: status ${status}`);
  return parsePlaylist(new TextDecoder().decode(body));
}

/** What freshness and latency have in common: channels of an origin, as an edge gives them. */
import { integer, text } from "@glassline/config";
import { EdgeCacheService } from "@glassline/proto/edge";
import { OriginService } from "@glassline/proto/origin";

import type { PlaylistView } from "../core/judge/channels.ts";
import { UNKNOWN_ORIGIN, isLive } from "../core/judge/channels.ts";
import { UNKNOWN_EDGE } from "../core/judge/edges.ts";
import type { Verdict } from "../core/verdict.ts";
import { viewsThrough } from "../observers/playlists.ts";
import type { Target } from "./access.ts";
import { access, failedCall, targetProblem } from "./access.ts";
import { names, target, url } from "./options.ts";
import type { Context } from "./plugin.ts";

export const streamSpec = {
  ...target("the edge", ""),
  via: url("Where viewers reach the edge; left out: the edge is asked. Then it needs no --port."),
  originHostname: text({ help: "Where the origin is.", default: "localhost" }),
  originPort: integer({
    help: "Its gRPC port; 0: --origin-url is asked.",
    default: "0",
    min: 0,
    max: 65_535,
    placeholder: "PORT",
  }),
  originUrl: url("The origin's admin HTTP instead of gRPC."),
  originName: text({ help: "Name in its certificate. Empty: any.", default: "" }),
  channel: names("Only this channel, which must be there. Left out: all that are live."),
};

export interface StreamConfig extends Target {
  via: string;
  originHostname: string;
  originPort: number;
  originUrl: string;
  originName: string;
  channel: readonly string[];
}

export function streamProblem(config: StreamConfig): string | undefined {
  const ofEdge = config.via === "" ? targetProblem(config) : undefined;
  return ofEdge ?? targetProblem(originOf(config), "origin-");
}

function originOf(config: StreamConfig): Target {
  const { originHostname, originPort, originUrl, originName, pkiDir, identity } = config;
  return {
    hostname: originHostname,
    port: originPort,
    url: originUrl,
    name: originName,
    pkiDir,
    identity,
  };
}

export async function lookAtStreams(
  config: StreamConfig,
  { signal, nowMs }: Context,
  judge: (views: readonly PlaylistView[]) => Verdict,
): Promise<Verdict> {
  using origin = await access(OriginService, "origin", originOf(config));
  const failed = (away: Verdict) => (error: unknown) => failedCall(error, away);
  const [told, via] = await Promise.all([
    origin.listChannels({}, signal).catch(failed(UNKNOWN_ORIGIN)),
    config.via || publicUrl(config, signal).catch(failed(UNKNOWN_EDGE)),
  ]);
  if ("state" in told) return told;
  if (typeof via !== "string") return via;
  const wanted = config.channel;
  const missing = wanted.find((name) => !told.channels.some((channel) => channel.name === name));
  if (missing !== undefined)
    return { state: "unknown", output: `the origin has no channel ${missing}` };
  const channels = told.channels.filter((channel) =>
    wanted.length > 0 ? wanted.includes(channel.name) : isLive(channel, nowMs()),
  );
  const views = await viewsThrough(via, channels);
  return "state" in views ? views : judge(views);
}

async function publicUrl(config: StreamConfig, signal: AbortSignal): Promise<string> {
  using edge = await access(EdgeCacheService, "edge-cache", config);
  const { publicUrl } = await edge.getStatus({}, signal);
  return publicUrl;
}

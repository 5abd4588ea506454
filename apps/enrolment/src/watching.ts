/** What a device may watch: asked for by the watch page, which shows the device's token. */
import type { Clock } from "@glassline/service/clock";
import { tokenIn } from "@glassline/service/token";

import type { TokenKey } from "./signing/token-key.ts";
import type { EnrolmentStore } from "./stores/enrolment-store.ts";

export type WatchProblem = "no_token" | "bad_token" | "expired" | "revoked";

/** As the page gets it, in JSON. */
export interface Watched {
  title: string;
  description: string;
  /** Playlists, without the token; the first one first. */
  sources: readonly { edge: string; url: string }[];
  /** Of the token. */
  expiresUnixMs: number;
}

export interface WatchingDeps {
  store: EnrolmentStore;
  tokenKey: TokenKey;
  clock: Clock;
}

/** @param authorization of the request: "Bearer TOKEN". */
export function watchedBy(
  { store, tokenKey, clock }: WatchingDeps,
  channelName: string,
  authorization: string | undefined,
): Watched | { problem: WatchProblem } {
  const token = tokenIn(authorization ?? "");
  if (token === "") return { problem: "no_token" };
  const claims = tokenKey.read(token);
  const device = claims && store.device(claims.sub);
  const channel = device?.channel === channelName ? store.channel(channelName) : undefined;
  if (!channel) return { problem: "bad_token" };
  if (device!.phase === "revoked") return { problem: "revoked" };
  const expiresUnixMs = claims!.exp * 1_000;
  if (clock.nowMs() >= expiresUnixMs) return { problem: "expired" };
  return {
    title: channel.title,
    description: channel.description,
    sources: channel.edges.map(({ name, publicUrl }) => ({
      edge: name,
      url: `${publicUrl}${channel.path}`,
    })),
    expiresUnixMs,
  };
}

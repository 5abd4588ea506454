/** Channels as viewers get them through each edge: whether they are fresh, and how old what they show is. */
import type { PlaylistView } from "../core/judge/channels.ts";
import { UNKNOWN_ORIGIN, isLive } from "../core/judge/channels.ts";
import { UNKNOWN_EDGE } from "../core/judge/edges.ts";
import type { Verdict } from "../core/verdict.ts";
import { findingOf } from "../core/verdict.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { Finding } from "./observer.ts";
import { throughEdge } from "./playlists.ts";

type Judge = (views: readonly PlaylistView[], nowMs: number) => Verdict;

/** Channels whose encoder still sends are looked at through each edge, as a viewer would. */
export async function streams(
  { channels, edges }: Network,
  nowMs: () => number,
  check: string,
  judge: Judge,
): Promise<Finding[]> {
  const live = channels.known().filter((channel) => isLive(channel, nowMs()));
  return Promise.all(
    [...edges].map(async ([object, client]) => {
      const status = await client.getStatus({}, LIMITED).catch(() => undefined);
      if (!status) return findingOf(object, check, UNKNOWN_EDGE);
      const verdict = await throughEdge(status.publicUrl, live, (views) => judge(views, nowMs()));
      const isProblem = verdict.state !== "ok" && !channels.reachable();
      return findingOf(object, check, isProblem ? UNKNOWN_ORIGIN : verdict);
    }),
  );
}

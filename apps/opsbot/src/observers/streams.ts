/** Channels as viewers get them through each edge: whether they are fresh, and how old what they show is. */
import type { PlaylistView } from "../core/judge/channels.ts";
import { UNKNOWN_ORIGIN } from "../core/judge/channels.ts";
import { UNKNOWN_EDGE } from "../core/judge/edges.ts";
import type { Verdict } from "../core/verdict.ts";
import { findingOf } from "../core/verdict.ts";
import type { Network } from "../network.ts";
import type { EdgeLooks } from "./edge-looks.ts";
import type { Finding } from "./observer.ts";

type Judge = (views: readonly PlaylistView[], atMs: number) => Verdict;

export function streamsCheck(
  { channels, edges }: Pick<Network, "channels" | "edges">,
  looks: EdgeLooks,
  check: string,
  judge: Judge,
): (isAnew?: boolean) => Promise<Finding[]> {
  return (isAnew) =>
    Promise.all(
      [...edges].map(async ([object, client]) => {
        const seen = await looks.seen(client, isAnew);
        if (!seen) return findingOf(object, check, UNKNOWN_EDGE);
        const { views, atMs } = seen;
        const verdict = "state" in views ? views : judge(views, atMs);
        const isProblem = verdict.state !== "ok" && !channels.reachable();
        return findingOf(object, check, isProblem ? UNKNOWN_ORIGIN : verdict);
      }),
    );
}

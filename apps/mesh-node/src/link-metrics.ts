/** What is measured of links, read when metrics are read; and how much a node has to do, for autoscalers. */
import type { Metrics } from "@glassline/service/metrics";

import { KEYS_RESERVE_S } from "./core/link-price.ts";
import type { LinkState } from "./link-state.ts";
import type { Router } from "./router.ts";

export function registerLinkMetrics(metrics: Metrics, router: Router): void {
  const each = (name: string, help: string, valueOf: (link: LinkState) => number | undefined) =>
    metrics.gauge(name, help, ["neighbour"], (gauge) => {
      gauge.reset();
      for (const link of router.status().links) {
        const value = valueOf(link);
        if (value !== undefined) gauge.set({ neighbour: link.neighbour! }, value);
      }
    });
  metrics.gauge("mesh_links_up", "Links that are up.", [], (gauge) =>
    gauge.set(router.status().links.length),
  );
  each(
    "mesh_link_rtt_seconds",
    "Round trip to a neighbour, smoothed.",
    ({ rttMs = 0 }) => rttMs / 1_000,
  );
  each(
    "mesh_link_loss_ratio",
    "Share of a neighbour's hellos that did not come, smoothed.",
    ({ lossRatio }) => lossRatio,
  );
  each(
    "mesh_link_key_age_seconds",
    "Age of the keys in use, of links over UDP.",
    ({ keyAgeS }) => keyAgeS,
  );
  each(
    "mesh_link_time_to_empty_seconds",
    "For how long there are keys, or one-time pads, for a link when no new ones come; absent where they are not needed, or as many keys are made as are used.",
    (link) => (lastOf(link) === Infinity ? undefined : lastOf(link)),
  );
  each(
    "mesh_link_pad_bytes",
    "One-time pads that a link still has to send with (--mode otp).",
    ({ padBytes }) => (padBytes === undefined ? undefined : Number(padBytes)),
  );
  registerLoad(metrics, router);
}

const lastOf = ({ keysLastS = Infinity, padsLastS = Infinity }: LinkState): number =>
  Math.min(keysLastS, padsLastS);

/** @returns 0 to 1. @param busyShare of the time. @param leastKeysLastS of all links. */
export const loadOf = (busyShare: number, leastKeysLastS: number): number =>
  Math.max(busyShare, Math.min(1, KEYS_RESERVE_S / leastKeysLastS));

function registerLoad(metrics: Metrics, router: Router): void {
  let before = performance.eventLoopUtilization();
  metrics.gauge(
    "mesh_load_ratio",
    "How much the node has to do: the larger of the share of the time in which it was busy since the last reading, and how near the keys of a link are to their reserve (1: there).",
    [],
    (gauge) => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      const lasting = router.status().links.map(lastOf);
      gauge.set(loadOf(utilization, Math.min(...lasting, Infinity)));
    },
  );
}

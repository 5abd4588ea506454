/** Step 4: monitoring learns of the edges, and of the overlay where it can look from within. */
import type { Segment } from "@glassline/proto/node";

import { hostAndPort, withoutPrefix } from "../../core/deployment/addresses.ts";
import { folderOf } from "../../core/deployment/layout.ts";
import type { Observed } from "../parts.ts";
import type { MonitoredChannel } from "../registrar.ts";
import type { Step } from "./step.ts";

export const monitoring: Step = {
  name: "monitoring",
  lacks: (work) => work.parts.registrar.lacks(monitored(work)),
  run: async (work) => ({
    says: await work.parts.registrar.register(monitored(work), work.effects),
  }),
  undo: async ({ parts, deployment, effects }) => ({
    says: await parts.registrar.remove(deployment.channel, effects),
  }),
};

function monitored({ deployment, description }: Observed): MonitoredChannel {
  const { channel, goal, kept } = deployment;
  return {
    channel,
    stream: folderOf(description.source).split("/").at(-2) ?? "",
    edges: goal.edges.map(({ name, machine }) => {
      const peers = peersOf(machine, goal.segments);
      // 0: what fits, as its node-agent finds it.
      const mtu = goal.segments.find((segment) => segment.machine === machine)?.mtu ?? 0;
      return {
        name,
        ...(hostAndPort(kept.administration[name] ?? "") ?? { host: "", port: 0 }),
        ...(peers.length > 0 && { overlay: { machine, peers, mtu } }),
      };
    }),
  };
}

/** In the overlay, without prefix. */
function peersOf(machine: string, segments: readonly Segment[]): string[] {
  const others = segments.filter((segment) => segment.machine !== machine);
  return others.map(({ address }) => withoutPrefix(address));
}

/** Where monitoring learns of a channel's edges: a port. */
import type { Hold } from "../actions/effects.ts";
import type { Network } from "../network.ts";

export interface MonitoredEdge {
  name: string;
  /** Where it is administered. */
  host: string;
  port: number;
  /** Of a channel with an overlay: the machine of the edge, where the others are in the overlay, and bytes that a packet there may have; 0: what fits. */
  overlay?: { machine: string; peers: readonly string[]; mtu: number };
}

export interface MonitoredChannel {
  channel: string;
  edges: readonly MonitoredEdge[];
  /** For checks of the origin's side: "cam-0001". */
  stream: string;
}

export interface Registrar {
  /** What is not registered as it should be, for people; empty: all is. Rejects when that cannot be seen. */
  lacks(wanted: MonitoredChannel): Promise<readonly string[]>;
  /** Registers what is missing and takes away what is not wanted. @returns what was done, for people. */
  register(wanted: MonitoredChannel, hold: Hold): Promise<string>;
  /** Nothing of the channel stays. */
  remove(channel: string, hold: Hold): Promise<string>;
}

/** OpsBot's own monitor looks at each edge that OpsBot has. */
export function embeddedRegistrar({ edges: known }: Pick<Network, "edges">): Registrar {
  return {
    lacks: async ({ edges }) =>
      edges.flatMap(({ name }) => (known.has(name) ? [] : [`${name} is not looked at`])),
    register: async ({ edges }) => `OpsBot's own monitor looks at ${namesOf(edges)}`,
    remove: async () => "OpsBot's own monitor forgets its edges",
  };
}

export const namesOf = (all: readonly { name: string }[]) => all.map(({ name }) => name).join(", ");

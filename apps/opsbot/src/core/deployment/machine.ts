/** What is known of a machine, for whoever chooses what runs on it. Pure. */
import type { ContainerDriver } from "@glassline/proto/node";

export interface Machine {
  name: string;
  /** Of its node-agent. */
  agent: string;
  /** Machines of one site reach each other directly. */
  site: string;
  /** Where tunnels of other machines shall end; empty: it has none. */
  underlayAddress: string;
  /** How viewers reach its edges. */
  publicHost: string;
  /** Its node-agent has a certificate for that host, which edges show to viewers. */
  viewerTls: boolean;
  /** How others of the network do. */
  host: string;
  /** Why it can have no segments; empty: it can. */
  segmentRefusal: string;
  drivers: readonly ContainerDriver[];
  wireguardPublicKey: string;
  /** Of edges; all edges of an agent share its ports. */
  firstPort: number;
  lastPort: number;
}

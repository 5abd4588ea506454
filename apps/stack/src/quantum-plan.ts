/** Key managers with simulated quantum links between them, one for each node of the mesh; and what links then need. Pure. */
import { OFFSET } from "./ports.ts";
import type { Flags, ProcessPlan } from "./process-plan.ts";
import { flags, processOf } from "./process-plan.ts";

const NODES = [1, 2, 3];

/** By offset. */
interface Places {
  at: (offset: number) => number;
  /** HOST:PORT. */
  address: (offset: number) => string;
}

/** Flags of a node of the mesh. */
export const quantumLink = (node: number, { address }: Pick<Places, "address">): Flags => ({
  links: "udp",
  "key-manager": `kme-${node}=${address(OFFSET.kme + node)}`,
});

/** NAME=HOST:PORT, of gRPC. */
export const keyManagerAddresses = ({ address }: Pick<Places, "address">): string[] =>
  NODES.map((node) => `kme-${node}=${address(OFFSET.kmeGrpc + node)}`);

export function keyManagers(common: Flags, { at, address }: Places): ProcessPlan[] {
  return NODES.map((node) => ({
    ...processOf("kme", `kme-${node}`, {}),
    ports: [
      { port: at(OFFSET.kme + node), what: `kme-${node}` },
      { port: at(OFFSET.kmeGrpc + node), what: `kme-${node}'s quantum links` },
      { port: at(OFFSET.kmeAdmin + node), what: `kme-${node}'s health` },
    ],
    arguments: flags({
      ...common,
      name: `kme-${node}`,
      port: at(OFFSET.kme + node),
      "grpc-port": at(OFFSET.kmeGrpc + node),
      "admin-port": at(OFFSET.kmeAdmin + node),
      // Of which three links use 32 bytes each two minutes: soon there are enough, and the light rests.
      frame: 65_536,
      store: "8KiB",
      sae: NODES.map((one) => `node-${one}=kme-${one}`),
      // Each pair has one link.
      peer: NODES.filter((other) => other > node).map(
        (other) => `kme-${other}=${address(OFFSET.kmeGrpc + other)}`,
      ),
    }),
  }));
}

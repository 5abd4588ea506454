import type { ConfigOf, Program } from "@glassline/config";
import { choice, integer } from "@glassline/config";

const spec = {
  kills: integer({ help: "SIGKILLs of nodes.", default: "200", min: 1, max: 100_000 }),
  links: choice({ help: "What links run over.", of: ["udp", "grpc"], default: "udp" }),
  seed: integer({
    help: "Of what is by chance. 0: any.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture-nodes",
  command: "npm run torture:nodes -w @glassline/stack --",
  purpose:
    "Kills random nodes of a mesh, gateways, relays and those at the collector, while cameras report, and looks whether all samples are stored, each once.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type NodesConfig = ConfigOf<typeof spec>;

import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  events: integer({
    help: "Messages, ticks and changes of links, all nodes together.",
    default: "10000000",
    min: 1,
    max: 100_000_000_000,
  }),
  nodes: integer({
    help: "Nodes of the largest meshes; most have fewer than fifty.",
    default: "1000",
    min: 3,
    max: 10_000,
  }),
  seed: integer({
    help: "Of what is drawn by lot. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture",
  command: "npm run torture -w @glassline/mesh-node --",
  purpose:
    "Lets links come and go, prices change and nodes start anew in meshes of virtual time, where messages are late, and in half of them lost, doubled and out of order, and looks for loops after each change of a route.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type TortureConfig = ConfigOf<typeof spec>;

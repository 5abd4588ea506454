import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  boundaries: integer({
    help: "So many boundaries at most of deploying, and of taking down, evenly among all. 0: all.",
    default: "0",
    min: 0,
    max: 10_000,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture-deployments",
  command: "npm run torture:deployments -w @glassline/stack --",
  purpose:
    "Kills OpsBot at each boundary of its journal while it deploys a channel and takes it down, on three machines with VXLAN, runc and Icinga2, and looks whether the channel is there once, and gone wholly. Needs root.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type DeploymentsConfig = ConfigOf<typeof spec>;

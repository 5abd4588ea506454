import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  sequences: integer({
    help: "Sequences of alerts, commands, orders and failovers.",
    default: "10000",
    min: 1,
    max: 100_000_000,
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
  command: "npm run torture -w @glassline/opsbot --",
  purpose:
    "Asks the guard for whatever comes, over failovers and with clocks that are set, and looks whether any window is over its budget.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type TortureConfig = ConfigOf<typeof spec>;

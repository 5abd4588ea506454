import type { ConfigOf, Program } from "@glassline/config";
import { choice, integer } from "@glassline/config";

const spec = {
  store: choice({
    help: "Where the journal is.",
    of: ["both", "sqlite", "postgres"],
    default: "both",
  }),
  random: integer({
    help: "Deaths at random moments, of each store, after those at the boundaries.",
    default: "0",
    min: 0,
    max: 1_000_000,
  }),
  seed: integer({
    help: "Of what is drawn by lot. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture-boundaries",
  command: "npm run torture:boundaries -w @glassline/opsbot --",
  purpose:
    "Kills OpsBot's loop at each boundary of its journal and of each effect, and looks whether the next life goes on and each effect happened once.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type BoundariesConfig = ConfigOf<typeof spec>;

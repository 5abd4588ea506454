import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  kills: integer({ help: "SIGKILLs.", default: "200", min: 1, max: 1_000_000 }),
  seed: integer({
    help: "Of what is drawn by lot; the same seed still meets other moments. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
  clients: integer({ help: "Viewers that ask at a time.", default: "8", min: 1, max: 256 }),
};

export const program: Program<typeof spec> = {
  name: "torture",
  command: "npm run torture -w @glassline/edge-cache --",
  purpose:
    "Kills an edge with a disk under load, again and again, and proves that no wrong byte is served, that nothing purged comes back, and how much is kept.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type TortureConfig = ConfigOf<typeof spec>;

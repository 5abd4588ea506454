import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  reloads: integer({ help: "Reloads of Icinga2.", default: "100", min: 1, max: 100_000 }),
  kills: integer({ help: "SIGKILLs of OpsBot among them.", default: "20", min: 0, max: 100_000 }),
  services: integer({
    help: "Services that change at random moments.",
    default: "40",
    min: 1,
    max: 500,
  }),
  seed: integer({
    help: "Of what is drawn by lot; the same seed still meets other moments. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture-reloads",
  command: "npm run torture:reloads -w @glassline/opsbot --",
  purpose:
    "Reloads a real Icinga2 and kills OpsBot, again and again, and looks whether each lasting problem was handled once.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type ReloadsConfig = ConfigOf<typeof spec>;

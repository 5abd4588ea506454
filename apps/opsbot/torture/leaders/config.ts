import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  replicas: integer({
    help: "OpsBots with one PostgreSQL.",
    default: "3",
    min: 2,
    max: 5,
  }),
  stops: integer({ help: "SIGSTOPs of the leader.", default: "100", min: 0, max: 1_000_000 }),
  kills: integer({
    help: "SIGKILLs of the leader, among them.",
    default: "20",
    min: 0,
    max: 1_000_000,
  }),
  seed: integer({
    help: "Of what is drawn by lot; the same seed still meets other moments. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture-leaders",
  command: "npm run torture:leaders -w @glassline/opsbot --",
  purpose:
    "Stops and kills the leader of several OpsBots again and again, and looks whether one that wakes up has an effect, or writes.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type LeadersConfig = ConfigOf<typeof spec>;

import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  kills: integer({ help: "SIGKILLs.", default: "300", min: 1, max: 1_000_000 }),
  seed: integer({
    help: "Of what is drawn by lot; the same seed still meets other moments. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
  shards: integer({
    help: "Shards of the collector; with several, one of them is killed now and then.",
    default: "1",
    min: 1,
    max: 16,
  }),
  streams: integer({ help: "OTQMN producers.", default: "4", min: 1, max: 64 }),
  senders: integer({ help: "OTLP senders.", default: "2", min: 0, max: 64 }),
  checkEvery: integer({
    help: "Kills between two checks of what is stored; the last check reads everything again.",
    default: "10",
    min: 1,
    max: 1_000_000,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture",
  command: "npm run torture -w @glassline/collector --",
  purpose:
    "Kills a collector under load, again and again, and proves that no acknowledged point was lost and none stored twice.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type TortureConfig = ConfigOf<typeof spec>;

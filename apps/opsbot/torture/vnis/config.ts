import type { ConfigOf, Program } from "@glassline/config";
import { integer } from "@glassline/config";

const faults = (help: string, byDefault: string) =>
  integer({ help, default: byDefault, min: 0, max: 100_000 });

const spec = {
  vnis: integer({
    help: "VNIs that there are, from 1 on.",
    default: "16777214",
    min: 10_000,
    max: 16_777_214,
  }),
  replicas: integer({ help: "Processes that allocate.", default: "5", min: 2, max: 16 }),
  kills: faults("SIGKILLs of replicas; they are started again.", "40"),
  stops: faults("SIGSTOPs of replicas; they go on after up to 3 s.", "40"),
  restarts: faults("SIGQUITs of the database, as after a loss of power.", "5"),
  seed: integer({
    help: "Of what is drawn by lot; the same seed still meets other moments. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
};

export const program: Program<typeof spec> = {
  name: "torture-vnis",
  command: "npm run torture:vnis -w @glassline/opsbot --",
  purpose:
    "Gives all VNIs away over several replicas that are killed and stopped, with a PostgreSQL that is restarted, and looks whether each is somebody's, once.",
  environmentPrefix: "GLASSLINE_TORTURE",
  spec,
};

export type VnisTortureConfig = ConfigOf<typeof spec>;

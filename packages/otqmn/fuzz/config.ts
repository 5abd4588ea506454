import type { Program } from "@glassline/config";
import { integer } from "@glassline/config";

const spec = {
  seconds: integer({ help: "How long, in CPU time.", default: "60", min: 1, max: 1_000_000 }),
  seed: integer({
    help: "Of what is drawn by lot. 0: another one each time, which is told.",
    default: "0",
    min: 0,
    max: 4_294_967_295,
  }),
};

export const program: Program<typeof spec> = {
  name: "fuzz",
  command: "npm run fuzz -w @glassline/otqmn --",
  purpose:
    "Gives the decoder changed streams. What fails is made small and stored in the corpus, which the tests run.",
  environmentPrefix: "GLASSLINE_FUZZ",
  spec,
};

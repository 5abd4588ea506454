/** `npm run bench -w @glassline/otqmn -- [--quick] [FILE...]`: one JSON line a figure. */
import { existsSync } from "node:fs";

import type { Program } from "@glassline/config";
import { toggle } from "@glassline/config";
import { readWordsOrExplain } from "@glassline/service/main";

import { fleetSizes } from "./fleet-size.ts";
import { fleetSpeed } from "./fleet-speed.ts";
import { RECORDED_METRICS } from "./recorded-metrics.ts";
import { recordedSizes } from "./recorded-size.ts";

const spec = { quick: toggle({ help: "Under a minute." }) };
const program: Program<typeof spec> = {
  name: "bench",
  command: "npm run bench -w @glassline/otqmn --",
  purpose: `Measures the codec: bytes a point of recorded metrics and of the fleet model, and how fast it is. One JSON line a figure.

FILE is zstd of [4-byte big-endian length][OTLP MetricsData]*; without one: ${RECORDED_METRICS}`,
  environmentPrefix: "GLASSLINE_BENCH",
  words: "[FILE...]",
  spec,
};

const asked = readWordsOrExplain(program);
if (asked) measure(asked.words, asked.config.quick);

function measure(named: readonly string[], isQuick: boolean): void {
  const files = named.length > 0 ? named : [RECORDED_METRICS].filter((path) => existsSync(path));
  if (files.length === 0)
    process.stderr.write(`no recorded metrics: got no file, and none is at ${RECORDED_METRICS}\n`);
  for (const file of files) recordedSizes(file);
  fleetSizes(isQuick);
  fleetSpeed(isQuick);
}

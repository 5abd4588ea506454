/** `npm run bench -w @glassline/otqmn -- [--quick] [FILE...]`: one JSON line a figure. */
import { existsSync } from "node:fs";

import { fleetSizes } from "./fleet-size.ts";
import { fleetSpeed } from "./fleet-speed.ts";
import { RECORDED_METRICS } from "./recorded-metrics.ts";
import { recordedSizes } from "./recorded-size.ts";

const words = process.argv.slice(2);
const isQuick = words.includes("--quick");
const named = words.filter((word) => !word.startsWith("--"));
const files = named.length > 0 ? named : [RECORDED_METRICS].filter((path) => existsSync(path));

if (files.length === 0)
  process.stderr.write(`no recorded metrics: got no file, and none is at ${RECORDED_METRICS}\n`);
for (const file of files) recordedSizes(file);
fleetSizes(isQuick);
fleetSpeed(isQuick);

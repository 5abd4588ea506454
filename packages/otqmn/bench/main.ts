/** `npm run bench -w @glassline/otqmn -- [--quick] [FILE...]`: one JSON line a figure. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { fleetSizes } from "./fleet-size.ts";
import { fleetSpeed } from "./fleet-speed.ts";
import { recordedSizes } from "./recorded-size.ts";

const words = process.argv.slice(2);
const isQuick = words.includes("--quick");
const data =
  process.env["GLASSLINE_DATA"] ??
  fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const recorded = join(data, "hostandcollector-otelmetrics.zst");
const named = words.filter((word) => !word.startsWith("--"));
const files = named.length > 0 ? named : [recorded].filter((path) => existsSync(path));

if (files.length === 0)
  process.stderr.write(`no recorded metrics: got no file, and none is at ${recorded}\n`);
for (const file of files) recordedSizes(file);
fleetSizes(isQuick);
fleetSpeed(isQuick);

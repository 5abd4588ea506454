/** `npm run torture -w @glassline/mesh-node -- --events N`: exit code 1 when there was a loop, or a way was not found. */
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { program } from "./config.ts";
import { torture } from "./torture.ts";

const BENCH = "routing-torture";

const config = readOrExplain(program);
if (config) {
  const { tortured, seed, tookMs } = await runTorture(config.seed, (...run) =>
    torture(config, ...run),
  );
  about(
    BENCH,
    `${program.purpose} Virtual time, with the routing core of real nodes. Goal: no loop in 100,000,000 events.`,
  );
  const { loops, problems, unreached, ...counts } = tortured;
  const params = { ...counts, took_s: Math.round(tookMs / 1_000), seed };
  report(BENCH, "loops", loops, "{loop}", params);
  report(BENCH, "ways_not_found", unreached, "{way}", params);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

/** `npm run torture:deployments -w @glassline/stack`: exit code 1 when a channel was not as wished, or was done twice, or a boundary was not met. */
import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { inOwnNetwork, isInOwnNetwork } from "../../src/testing/own-network.ts";
import type { DeploymentsConfig } from "./config.ts";
import { program } from "./config.ts";
import { exitCodeOf, torture } from "./deployments.ts";

const BENCH = "deployments-torture";

const config = readOrExplain(program);
if (config && !isInOwnNetwork())
  process.exitCode = await inOwnNetwork(import.meta.filename, process.argv.slice(2));
else if (config) await main(config);

async function main({ boundaries: most }: DeploymentsConfig): Promise<void> {
  const { tortured, tookMs } = await runTorture(1, (_random, progress, stopping) =>
    torture(most, progress, stopping),
  );
  about(
    BENCH,
    `${program.purpose} not_met: boundaries that are not reached in each life. Goal: 0 not as expected, at all boundaries.`,
  );
  const { boundaries, died, notMet, problems, resumedMs } = tortured;
  const params = { boundaries, died, not_met: notMet, took_s: Math.round(tookMs / 1_000) };
  report(BENCH, "not_as_expected", problems.length, "{death}", params);
  report(BENCH, "resumed_p50", quantile(resumedMs, 0.5), "ms", params);
  report(BENCH, "resumed_worst", quantile(resumedMs, 1), "ms", params);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = exitCodeOf(tortured);
}

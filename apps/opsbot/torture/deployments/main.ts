/** `npm run torture:deployments -w @glassline/opsbot`: exit code 1 when a channel was not as wished, or was done twice. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { quantile } from "../../bench/quantile.ts";
import { program } from "./config.ts";
import { torture } from "./deployments.ts";
import { startDeploymentNetwork } from "./network.ts";

const BENCH = "deployments-torture";

const config = readOrExplain(program);
if (config) {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-torture-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const network = stack.use(await startDeploymentNetwork(directory));
  const { tortured, tookMs } = await runTorture(1, (_random, progress, stopping) =>
    torture({ directory, network, most: config.boundaries }, progress, stopping),
  );
  const { boundaries, died, notMet, problems, resumedMs } = tortured;
  const params = { boundaries, died, not_met: notMet, took_s: Math.round(tookMs / 1_000) };
  report(BENCH, "not_as_expected", problems.length, "{death}", params);
  report(BENCH, "resumed_p50", quantile(resumedMs, 0.5), "ms", params);
  report(BENCH, "resumed_worst", quantile(resumedMs, 1), "ms", params);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

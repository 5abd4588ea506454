/** `npm run torture -w @glassline/opsbot -- --sequences N`: exit code 1 when a window was over its budget. */
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { program } from "./config.ts";
import { torture } from "./torture.ts";

const BENCH = "guard-torture";

const config = readOrExplain(program);
if (config) {
  const { tortured, seed, tookMs } = await runTorture(config.seed, (...run) =>
    torture(config.sequences, ...run),
  );
  about(BENCH, `${program.purpose} Goal: no window over its budget in 1,000,000 sequences.`);
  const { overBudget, refused, problems, ...counts } = tortured;
  const reasons = Object.entries(refused).map(([because, count]) => [`refused_${because}`, count]);
  report(BENCH, "sequences_over_budget", overBudget, "{sequence}", {
    ...counts,
    ...Object.fromEntries(reasons),
    took_s: Math.round(tookMs / 1_000),
    seed,
  });
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

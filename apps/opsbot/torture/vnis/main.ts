/** `npm run torture:vnis -w @glassline/opsbot -- --vnis N`: exit code 1 when a VNI was given twice, or to nobody. */
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { program } from "./config.ts";
import { torture } from "./vnis.ts";

const BENCH = "vnis-torture";

const config = readOrExplain(program);
if (config) {
  const { tortured, seed, tookMs } = await runTorture(config.seed, (...run) =>
    torture(config, ...run),
  );
  about(BENCH, `${program.purpose} Goals: 0 given twice, 0 leaked, of all 16,777,214.`);
  const { problems, duplicates, changed, leaked, given, allocateMs } = tortured;
  const params = { vnis: config.vnis, replicas: config.replicas };
  report(BENCH, "duplicates", duplicates, "", {
    ...params,
    changed_answers: changed,
    kills: tortured.kills,
    stops: tortured.stops,
    database_restarts: tortured.restarts,
    answers: tortured.answers,
    answered_again: tortured.again,
    took_s: Math.round(tookMs / 1_000),
    seed,
  });
  report(BENCH, "leaked_after_reconcile", leaked, "", {
    ...params,
    given,
    wished_no_more_and_given_again: tortured.dropped,
    blocks_returned: tortured.blocksReturned,
  });
  report(BENCH, "given", given / (allocateMs / 1_000), "VNIs/s", params);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0 || duplicates > 0 || leaked > 0) process.exitCode = 1;
}

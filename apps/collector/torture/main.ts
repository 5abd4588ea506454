/** `npm run torture -w @glassline/collector -- --kills N`: exit code 1 when a point was lost or stored twice. */
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { quantile } from "../bench/load.ts";
import { program } from "./config.ts";
import type { Tortured } from "./torture.ts";
import { torture } from "./torture.ts";

const BENCH = "collector-torture";

function tell(tortured: Tortured, seed: number, tookMs: number): void {
  about(
    BENCH,
    `${program.purpose} Goals: 1,000 kills, 0 acknowledged points lost, 0 stored twice.`,
  );
  const { inLog, queried, startsMs, problems, ...counts } = tortured;
  const starts = Float64Array.from(startsMs);
  report(BENCH, "acknowledged_points_lost", Math.max(inLog.lost, queried.lost), "{point}", {
    stored_twice: Math.max(inLog.storedTwice, queried.storedTwice),
    out_of_order: inLog.outOfOrder,
    wrong: Math.max(inLog.wrong, queried.wrong),
    unreadable_records: inLog.unreadable,
    otlp_resent_stored_again: inLog.resentStoredAgain,
    kills: counts.kills,
    kills_at_start: counts.killsAtStart,
    stops: counts.stops,
    torn_tails: counts.tornTails,
    checks: counts.checks,
    acknowledged_points: counts.acknowledgedPoints,
    start_p50_ms: Math.round(quantile(starts, 0.5)),
    start_p99_ms: Math.round(quantile(starts, 0.99)),
    took_s: Math.round(tookMs / 1_000),
    seed,
  });
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

const config = readOrExplain(program);
if (config) {
  const { tortured, seed, tookMs } = await runTorture(config.seed, (...run) =>
    torture(config, ...run),
  );
  tell(tortured, seed, tookMs);
}

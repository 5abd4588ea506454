/** `npm run torture -w @glassline/collector -- --kills N`: exit code 1 when a point was lost or stored twice. */
import { Random } from "@glassline/bench/fleet-model";
import { report } from "@glassline/bench/report";
import { readOrExplain } from "@glassline/service/main";

import { quantile } from "../bench/load.ts";
import type { TortureConfig } from "./config.ts";
import { program } from "./config.ts";
import { progressOn } from "./progress.ts";
import type { Tortured } from "./torture.ts";
import { torture } from "./torture.ts";

function tell(tortured: Tortured, seed: number, tookMs: number): void {
  const { inLog, queried, startsMs, problems, ...counts } = tortured;
  const starts = Float64Array.from(startsMs);
  report("torture", "acknowledged_points_lost", Math.max(inLog.lost, queried.lost), "{point}", {
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

async function run(config: TortureConfig, seed: number): Promise<Tortured> {
  const chance = new Random(seed);
  using progress = progressOn(process.stderr);
  const stopping = new AbortController();
  // A second Ctrl-C ends at once.
  process.once("SIGINT", () => stopping.abort());
  progress.say(`seed ${seed}`);
  return await torture(config, () => chance.uniform(), progress, stopping.signal);
}

const config = readOrExplain(program);
if (config) {
  const seed = config.seed || crypto.getRandomValues(new Uint32Array(1))[0]!;
  const startMs = performance.now();
  tell(await run(config, seed), seed, performance.now() - startMs);
}

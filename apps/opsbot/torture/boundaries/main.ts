/** `npm run torture:boundaries -w @glassline/opsbot -- --random N`: exit code 1 when something was not finished, done twice, or late. */
import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import type { Tortured } from "./boundaries.ts";
import { torture } from "./boundaries.ts";
import { program } from "./config.ts";
import { SCENARIOS } from "./scenarios.ts";

const BENCH = "boundaries-torture";

const config = readOrExplain(program);
if (config) {
  const { random: kills, store: wanted } = config;
  const stores = (["sqlite", "postgres"] as const).filter(
    (store) => wanted === "both" || wanted === store,
  );
  const { tortured, seed } = await runTorture(config.seed, async (random, progress, stopping) => {
    const all: Tortured[] = [];
    for (const store of stores) {
      if (stopping.aborted) break;
      const options = { store, scenarios: SCENARIOS, random: kills };
      all.push(await torture(options, random, progress, stopping));
    }
    return all;
  });
  about(
    BENCH,
    `${program.purpose} not_met: boundaries that are not reached in each life. late: it went on later than 2 s after its loop's start. Goals: 0 not as expected, at all boundaries and 1,000 random moments, 0 late.`,
  );
  for (const one of tortured) tell(one, seed);
}

function tell(tortured: Tortured, seed: number): void {
  const { problems, notAsExpected, late, store } = tortured;
  const { resumedMs, resumedWithLoadMs, completeMs } = tortured;
  report(BENCH, "not_as_expected", notAsExpected, "{death}", {
    store,
    scenarios: SCENARIOS.length,
    boundaries: tortured.boundaries,
    died_at_boundaries: tortured.died,
    not_met: tortured.notMet,
    random_kills: tortured.randomKills,
    random_died: tortured.randomDied,
    late,
    took_s: Math.round(tortured.tookMs / 1_000),
    seed,
  });
  const params = { store, deaths: resumedMs.length };
  const times = { resumed: resumedMs, resumed_with_load: resumedWithLoadMs, complete: completeMs };
  for (const [name, values] of Object.entries(times)) {
    report(BENCH, `${name}_p50`, quantile(values, 0.5), "ms", params);
    report(BENCH, `${name}_p99`, quantile(values, 0.99), "ms", params);
    report(BENCH, `${name}_worst`, quantile(values, 1), "ms", params);
  }
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0 || late > 0 || tortured.notMet > 0) process.exitCode = 1;
}

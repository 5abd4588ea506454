/** `npm run torture:leaders -w @glassline/opsbot -- --stops N`: exit code 1 when a leader that was replaced had an effect, or wrote. */
import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { program } from "./config.ts";
import { torture } from "./leaders.ts";

const BENCH = "leaders-torture";

const config = readOrExplain(program);
if (config) {
  const { tortured, seed, tookMs } = await runTorture(config.seed, (...run) =>
    torture(config, ...run),
  );
  about(
    BENCH,
    `${program.purpose} unfenced: effects in a term that was over, at edges that had not heard of the next one yet; they cannot refuse them, each still happens once by its key, and there is no goal for them. Goals: takeover 1.5 s (p99), nothing stale in 1,000 stops.`,
  );
  const { problems, stopTakeoverMs, killTakeoverMs, staleEffects, staleCommits } = tortured;
  report(BENCH, "stale_effects_and_commits", staleEffects + staleCommits, "", {
    replicas: config.replicas,
    stops: tortured.stops,
    kills: tortured.kills,
    in_calls: tortured.inCalls,
    effects: tortured.effects,
    incidents: tortured.incidents,
    refused: tortured.refused,
    unfenced: tortured.unfenced,
    took_s: Math.round(tookMs / 1_000),
    seed,
  });
  const times = { takeover_after_stop: stopTakeoverMs, takeover_after_kill: killTakeoverMs };
  for (const [name, values] of Object.entries(times)) {
    if (values.length === 0) continue;
    const params = { replicas: config.replicas, takeovers: values.length };
    report(BENCH, `${name}_p50`, quantile(values, 0.5), "ms", params);
    report(BENCH, `${name}_p99`, quantile(values, 0.99), "ms", params);
    report(BENCH, `${name}_worst`, quantile(values, 1), "ms", params);
  }
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

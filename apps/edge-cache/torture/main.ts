/** `npm run torture -w @glassline/edge-cache -- --kills N`: exit code 1 when a wrong byte was served, or what was purged. */
import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { program } from "./config.ts";
import type { Tortured } from "./torture.ts";
import { torture } from "./torture.ts";

const BENCH = "edge-torture";

function tell(tortured: Tortured, seed: number, tookMs: number): void {
  about(BENCH, `${program.purpose} Goals: 200 kills, 0 corrupt, 99.9 % kept.`);
  const { corrupt, served, objects, kept, startsMs, problems } = tortured;
  const { kills, killsAtStart, stops, tornTails, purges } = tortured;
  const params = {
    kills,
    kills_at_start: killsAtStart,
    stops,
    torn_tails: tornTails,
    purges,
    start_p50_ms: Math.round(median(startsMs)),
    took_s: Math.round(tookMs / 1_000),
    seed,
  };
  report(BENCH, "corrupt_answers", corrupt, "{answer}", { served, ...params });
  const lookedAt = tortured.sampled + objects;
  const missing = tortured.lost + tortured.lostYoung + objects - kept;
  report(BENCH, "kept", 100 * (1 - missing / lookedAt), "%", {
    objects,
    looked_at: lookedAt,
    lost_within_a_second_of_a_kill: tortured.lostYoung,
    lost: tortured.lost + objects - kept,
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

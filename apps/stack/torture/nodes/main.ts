/** `npm run torture:nodes -w @glassline/stack`: exit code 1 when something was lost, or stored twice. */
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import type { NodesConfig } from "./config.ts";
import { program } from "./config.ts";
import { torture } from "./nodes.ts";

const BENCH = "nodes-torture";

const config = readOrExplain(program);
if (config) await main(config);

async function main({ seed: wanted, ...config }: NodesConfig): Promise<void> {
  const { tortured, seed, tookMs } = await runTorture(wanted, (random, progress, stopping) =>
    torture(config, random, progress, stopping),
  );
  about(
    BENCH,
    `${program.purpose} Seven nodes, four cameras, up to 4,000 samples a second; a node is away for up to 1.5 s. Goal: 0 lost and 0 stored twice in 200 kills.`,
  );
  const { kills, points, lost, twice, drainedMs } = tortured;
  const params = { kills, points, links: config.links, seed, took_s: Math.round(tookMs / 1_000) };
  report(BENCH, "lost", lost, "{point}", params);
  report(BENCH, "stored_twice", twice, "{point}", params);
  report(BENCH, "drained", drainedMs, "ms", params);
  process.exitCode = lost + twice > 0 ? 1 : 0;
}

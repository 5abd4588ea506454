/** `npm run torture:reloads -w @glassline/opsbot -- --reloads N`: exit code 1 when a problem was not handled, or twice. */
import { about, report } from "@glassline/bench/report";
import { runTorture } from "@glassline/bench/torture-run";
import { readOrExplain } from "@glassline/service/main";

import { program } from "./config.ts";
import { torture } from "./reloads.ts";

const BENCH = "reloads-torture";

const config = readOrExplain(program);
if (config) {
  const { tortured, seed, tookMs } = await runTorture(config.seed, (...run) =>
    torture(config, ...run),
  );
  about(BENCH, `${program.purpose} Goals: 100 reloads and 20 kills, 0 not handled or twice.`);
  const { notHandled, handledTwice, leftOpen, problems, ...counts } = tortured;
  report(BENCH, "not_handled_or_twice", notHandled + handledTwice, "{problem}", {
    ...counts,
    handled_twice: handledTwice,
    left_open: leftOpen,
    took_s: Math.round(tookMs / 1_000),
    seed,
  });
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}

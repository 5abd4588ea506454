/** How long a channel takes from nothing to its viewers, with all that is real about it. In a network of its own. */
import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import type { Deployment } from "@glassline/proto/opsbot";

import { bringUp, deploymentOf, takeDown } from "../src/testing/channels.ts";
import { WHOLE_EDGES, startWholeStage, wholeDescription } from "../src/testing/whole-stage.ts";

const BENCH = "deployments-flow";
const SIZES = { full: 10, quick: 1 } as const;
const VALIDATION_S = 2;
const CHANNEL = "flow";
const NANO_PER_MS = 1e6;

export async function measureFlow(isQuick: boolean): Promise<void> {
  const flows = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `A channel with a shield and an edge on each of three machines (${WHOLE_EDGES} containers of runc), joined by VXLAN of the kernel, watched by Icinga2, seeded at up to 100 objects a second, with profiles for phones: from the question until it is live, less the ${VALIDATION_S} s for which its test load plays. Machines are network namespaces; all share this machine's cores, and Icinga's checks run beside it. The first one (first) finds nothing compiled, as on machines on which no edge ever ran in a container; the others are p50 and worst. down: until nothing of it is left; left: what was found after that on machines and in Icinga. Goal: 5 s, 0 left.`,
  );
  await using whole = await startWholeStage();
  using opsbot = await whole.stage.client();
  const [up, down]: [number[], number[]] = [[], []];
  const steps: Record<string, number[]> = {};
  let left = 0;
  for (let nth = 0; nth < flows; nth++) {
    const tookMs = await bringUp(opsbot, CHANNEL, wholeDescription(CHANNEL, VALIDATION_S));
    up.push(tookMs - 1_000 * VALIDATION_S);
    for (const { name, tookMs: ms } of stepsOf((await deploymentOf(opsbot, CHANNEL))!))
      (steps[name] ??= []).push(ms);
    down.push(await takeDown(opsbot, CHANNEL));
    left += (await whole.left(CHANNEL)).length;
  }
  const params = { flows, edges: WHOLE_EDGES };
  const [first, ...later] = up as [number, ...number[]];
  const others = later.length > 0 ? later : up;
  report(BENCH, "flow_first", first, "ms", params);
  report(BENCH, "flow_p50", quantile(others, 0.5), "ms", params);
  report(BENCH, "flow_worst", quantile(others, 1), "ms", params);
  for (const [step, times] of Object.entries(steps))
    report(BENCH, "step_p50", quantile(times, 0.5), "ms", { ...params, step });
  report(BENCH, "down_p50", quantile(down, 0.5), "ms", params);
  report(BENCH, "left", left, "{object}", params);
}

/** The step of the cache has the test load in it. */
function stepsOf({ steps }: Deployment): { name: string; tookMs: number }[] {
  return steps.map(({ name, beganUnixNano, endedUnixNano }) => ({
    name,
    tookMs: Number(endedUnixNano - beganUnixNano) / NANO_PER_MS,
  }));
}

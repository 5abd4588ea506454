/** How a deployment goes, as lines for people. Pure. */
import type { DeploymentView } from "../../desk.ts";
import { oneLine } from "../echo.ts";
import { counted } from "../words.ts";
import { STEP_NAMES } from "./steps.ts";

const MS_NANO = 1_000_000n;
const MARKS = { waiting: " ", running: "…", done: "✓", failed: "✗", skipped: "-" } as const;
const NAME_WIDTH = Math.max(...STEP_NAMES.map((name) => name.length));

/** "✓ 2 overlay        0.4 s  3 segments of VNI 70000 up" */
export function stepLine(
  { name, state, says, beganUnixNano, endedUnixNano }: DeploymentView["steps"][number],
  nowUnixNano: bigint,
): string {
  const number = STEP_NAMES.indexOf(name) + 1;
  const end = endedUnixNano === 0n ? nowUnixNano : endedUnixNano;
  const time = state === "waiting" ? "" : spanText(end - beganUnixNano);
  const text = `${MARKS[state]} ${number} ${name.padEnd(NAME_WIDTH)} ${time.padStart(7)}  ${oneLine(says)}`;
  return text.trimEnd();
}

function spanText(nano: bigint): string {
  const ms = Number(nano / MS_NANO);
  return ms < 0 ? "" : `${(ms / 1_000).toFixed(1)} s`;
}

/** "harbour: live, 3 edges, VNI 70000" */
export function summaryLine({
  channel,
  phase,
  edges,
  vni,
  problem,
  revision,
}: DeploymentView): string {
  const ready = edges.filter(({ isReady }) => isReady).length;
  const of =
    ready === edges.length
      ? counted(ready, "edge")
      : `${ready} of ${counted(edges.length, "edge")} ready`;
  const overlay = vni === 0 ? "no overlay" : `VNI ${vni}`;
  const trouble = problem === "" ? "" : `: ${oneLine(problem)}`;
  return `${channel}: ${phase.replace("_", " ")} (revision ${revision}), ${of}, ${overlay}${trouble}`;
}

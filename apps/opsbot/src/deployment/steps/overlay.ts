/** Step 2: the tunnels of the overlay, on all machines. */
import { create } from "@bufbuild/protobuf";
import type { Segment } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";

import { lackingSegments, surplusOf } from "../../core/deployment/lacks.ts";
import { counted } from "../../core/words.ts";
import { onMachinesThere } from "../../machines.ts";
import { tell, waitFor } from "../told.ts";
import type { Step } from "./step.ts";

const TIMEOUT_MS = 20_000;

export const overlay: Step = {
  name: "overlay",
  lacks: async ({ deployment: { goal } }, look) =>
    lackingSegments(onMachinesThere(goal.segments, look), look.segments),
  run: async (work) => {
    const { goal, told } = work.deployment;
    if (goal.segments.length === 0) return { skipped: "no overlay was asked for" };
    await tell(
      work,
      create(SetDesiredStateRequestSchema, {
        edges: told.edges,
        segments: [...goal.segments, ...stillUsed(told.segments, goal.segments)],
      }),
    );
    await waitFor(work, "segments", TIMEOUT_MS, ({ segments }) =>
      lackingSegments(goal.segments, segments),
    );
    const vnis = new Set(goal.segments.map(({ vni }) => vni));
    const gateways = goal.segments.filter(({ stitches }) => stitches.length > 0);
    const joined =
      gateways.length === 0
        ? ""
        : `, joined by ${gateways.map(({ machine }) => machine).join(" and ")}`;
    return {
      says: `${counted(goal.segments.length, "segment")} of VNI ${[...vnis].join(", ")} up${joined}`,
    };
  },
  undo: async (work) => {
    const { channel, told } = work.deployment;
    await tell(work, create(SetDesiredStateRequestSchema, { edges: told.edges, segments: [] }));
    await waitFor(work, "segments", TIMEOUT_MS, ({ segments }) =>
      surplusOf(channel, { edges: [], segments: [] }, { edges: [], segments }),
    );
    return { says: `${counted(told.segments.length, "segment")} removed` };
  },
};

/** On machines that leave: edges there use them until they have gone. */
function stillUsed(told: readonly Segment[], goal: readonly Segment[]): Segment[] {
  return told.filter(
    ({ name, machine }) => !goal.some((one) => one.name === name && one.machine === machine),
  );
}

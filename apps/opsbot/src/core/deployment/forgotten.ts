/** A machine that is gone for good: what channels still have there, and what they keep of it. Pure. */
import type { SetDesiredStateRequest } from "@glassline/proto/node";

import type { Kept } from "./layout.ts";

interface Deployed {
  channel: string;
  goal: Pick<SetDesiredStateRequest, "edges" | "segments">;
  told: Pick<SetDesiredStateRequest, "edges" | "segments">;
}

/** Why it cannot be forgotten, for people: something of a channel is wished there. Undefined: it can. */
export function stillUsed(machine: string, all: readonly Deployed[]): string | undefined {
  const isThere = (one: { machine: string }) => one.machine === machine;
  for (const { channel, goal, told } of all)
    for (const { edges, segments } of [goal, told]) {
      const edge = edges.find(isThere);
      if (!edge && !segments.some(isThere)) continue;
      const has = edge ? `edge ${edge.name}` : `a segment`;
      return `${machine} has ${has} of ${channel}: evacuate it, or destroy the channel, first`;
    }
  return undefined;
}

export const answering = (machine: string) =>
  `${machine} answers: only a machine that is gone for good is forgotten`;

/** Its VNIs wait for it no more when they are released. */
export const withoutMember = (kept: Kept, machine: string): Kept => ({
  ...kept,
  overlayMachines: kept.overlayMachines.filter((name) => name !== machine),
});

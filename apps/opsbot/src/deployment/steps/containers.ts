/** Step 3: edges and shield, on all machines. New ones come at once, those that change one after another, those that go last. */
import { create, equals } from "@bufbuild/protobuf";
import type { EdgeSpec } from "@glassline/proto/node";
import { EdgeSpecSchema, SetDesiredStateRequestSchema } from "@glassline/proto/node";

import { drainEdge } from "../../actions/edge-actions.ts";
import { begin, unlessHeld } from "../../actions/effects.ts";
import { lackingEdges, surplusOf, unknownEdges } from "../../core/deployment/lacks.ts";
import { counted } from "../../core/words.ts";
import type { Look } from "../../machines.ts";
import { lookAtMachines, onMachinesThere } from "../../machines.ts";
import type { Begun, Work } from "../parts.ts";
import { namesOf } from "../registrar.ts";
import { takingRevoked, tellRevoked } from "../revoked.ts";
import { tell, waitFor } from "../told.ts";
import type { Step } from "./step.ts";

/** An edge that is replaced drains first. */
const TIMEOUT_MS = 40_000;

export const containers: Step = {
  name: "containers",
  lacks: async (seen, look) => {
    const { channel, goal } = seen.deployment;
    const there = onMachinesThere(goal.edges, look);
    return [
      ...unknownEdges(there, look.edges),
      ...surplusOf(channel, goal, look),
      ...(await takingRevoked(seen, there)),
    ];
  },
  run: async (work) => {
    const { goal, told } = work.deployment;
    const changed = goal.edges.filter((edge) => {
      const before = beforeOf(edge, told.edges);
      return before && !equals(EdgeSpecSchema, before, edge);
    });
    const added = goal.edges.filter((edge) => !beforeOf(edge, told.edges));
    const unchanged = goal.edges.filter((edge) => !changed.includes(edge));
    const isReplaced = await byOneAgent(work, goal.edges);
    // Of those that leave, too: they go when the others are there.
    await tellEdges(work, [
      ...unchanged,
      ...told.edges.filter((edge) => !unchanged.some(isSame(edge)) && !isReplaced(edge)),
    ]);
    await ready(work, unchanged);
    for (const edge of changed) await replace(work, edge);
    // One that moved is known by its new place alone: its successor has its name.
    await drain(
      work,
      told.edges.filter(({ name }) => !goal.edges.some((edge) => edge.name === name)),
    );
    await tell(work, goal);
    await waitFor(work, "removal", TIMEOUT_MS, (look) =>
      surplusOf(work.deployment.channel, goal, look),
    );
    await work.parts.watch();
    const what = [
      ...(added.length > 0 ? [`${namesOf(added)} started`] : []),
      ...(changed.length > 0 ? [`${namesOf(changed)} replaced one after another`] : []),
    ];
    return { says: what.join("; ") || `${counted(goal.edges.length, "edge")} as before` };
  },
  undo: async (work) => {
    const { channel, told } = work.deployment;
    await drain(work, told.edges);
    await tell(work, create(SetDesiredStateRequestSchema, { segments: told.segments }));
    await waitFor(work, "edges", TIMEOUT_MS, ({ edges }) =>
      surplusOf(channel, { edges: [], segments: [] }, { edges, segments: [] }),
    );
    await work.parts.watch();
    return { says: `${counted(told.edges.length, "edge")} removed` };
  },
};

const isSame = (edge: EdgeSpec) => (other: EdgeSpec) =>
  other.name === edge.name && other.machine === edge.machine;

const beforeOf = (edge: EdgeSpec, all: readonly EdgeSpec[]) => all.find(isSame(edge));

/** Of edges that were told: a node-agent has one of a name, and brings it from one of its machines to another by itself. */
async function byOneAgent(
  { effects }: Begun,
  wanted: readonly EdgeSpec[],
): Promise<(told: EdgeSpec) => boolean> {
  const { machines } = await lookAtMachines(effects.network);
  const agentOf = ({ machine }: EdgeSpec) => machines.get(machine)?.agent;
  return (told) => {
    const next = wanted.find(({ name, machine }) => name === told.name && machine !== told.machine);
    return !!next && agentOf(told) !== undefined && agentOf(told) === agentOf(next);
  };
}

/** Segments stay as they are. An edge that moves to another node-agent is at both places until its successor is ready. */
async function tellEdges(work: Work, edges: readonly EdgeSpec[]): Promise<void> {
  const { segments } = work.deployment.told;
  await tell(work, create(SetDesiredStateRequestSchema, { edges: [...edges], segments }));
}

/** They run as wished, and let nobody in who was revoked before they were there. */
async function ready(work: Work, edges: readonly EdgeSpec[]): Promise<void> {
  await waitFor(work, "edges", TIMEOUT_MS, (look: Look) => lackingEdges(edges, look.edges));
  await tellRevoked(work, edges);
}

async function replace(work: Work, edge: EdgeSpec): Promise<void> {
  const others = work.deployment.told.edges.filter((one) => !isSame(edge)(one));
  await tellEdges(work, [...others, edge]);
  await ready(work, [edge]);
}

/** Viewers are steered to the others first; an edge that does not answer has none. */
async function drain(
  { effects, idempotencyKey }: Begun,
  edges: readonly EdgeSpec[],
): Promise<void> {
  const { network, edgeToken, fencingToken } = effects;
  await Promise.all(
    edges.map(async ({ name }) => {
      const client = network.edges.get(name);
      if (!client) return;
      const call = {
        client,
        idempotencyKey: `${idempotencyKey}:drain:${name}`,
        fencingToken,
        authorization: `Bearer ${edgeToken}`,
        ...unlessHeld(effects),
      };
      await begin(effects, () => drainEdge(call)).catch(() => {});
    }),
  );
}

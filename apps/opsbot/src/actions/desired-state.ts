/** What shall run, told to node-agents: as it was configured, as it was changed since, and what was deployed. */
import { create, fromJsonString } from "@bufbuild/protobuf";
import type { EdgeSpec, Segment, SetDesiredStateRequest } from "@glassline/proto/node";
import { EdgeSpecSchema, SegmentSchema, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { OperatorError, messageOf } from "@glassline/service/errors";

import { wishDeploy, wishDestroy, wishEvacuate } from "./channel-wishes.ts";
import type { Action } from "../core/action.ts";
import type { OpenedSegment } from "../core/opened-segment.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { DeploymentReads, Deployments } from "../stores/deployments.ts";
import type { IntentReads, Intents } from "../stores/intents.ts";

/** A wish: the machine of an edge. */
const MACHINE = "machine";

export interface DesiredState {
  /** Undefined: OpsBot was not told what shall run. */
  configured: SetDesiredStateRequest | undefined;
  /** Names of the overlays that are configured. */
  overlays: readonly string[];
  /**
   * Tells each node-agent what is for its machines; nothing changes when it is so already. Those that answer are told also when others do
   * not. Rejects when one does not take it.
   */
  tell(fencingToken: bigint): Promise<void>;
  /** Within the transaction of an intent: chooses what the action leaves open, and writes down what shall be. */
  wish(action: Action, records: WishRecords): Promise<Action | { cannot: string }>;
}

export interface WishRecords extends Pick<Intents, "wishes" | "wish"> {
  deployments: Deployments;
}

export interface DesiredJournal extends Pick<
  IntentReads,
  "generations" | "wishes" | "openedSegments"
> {
  deployments: Pick<DeploymentReads, "all">;
}

/**
 * @param json SetDesiredStateRequest; empty: configured edges are left as they are.
 * @param machinesThere those that answered lately. Throws OperatorError.
 */
export function readDesired(
  json: string,
  { agents }: Pick<Network, "agents">,
  journal: DesiredJournal,
  machinesThere: () => ReadonlySet<string> = () => new Set(),
): DesiredState {
  const configured = parsed(json);
  const overlays = [...new Set(configured?.segments.map(({ name }) => name))].toSorted();
  const all = async () => {
    const deployed = (await journal.deployments.all()).map(({ told }) => told);
    const edges = [...(configured?.edges ?? []), ...deployed.flatMap((one) => one.edges)];
    const generations = await journal.generations();
    return {
      edges: asChanged(edges, await journal.wishes(MACHINE), generations),
      segments: [
        ...configuredSegments(configured, await journal.openedSegments()),
        ...deployed.flatMap((one) => one.segments),
      ],
      // Who was never told what shall run leaves node-agents alone, until something is deployed.
      isKnown: configured !== undefined || deployed.length > 0,
    };
  };
  let hasTold = false;
  return {
    configured,
    overlays,
    tell: async (fencingToken) => {
      // Somebody else runs the edges.
      if (agents.size === 0) return;
      const { edges, segments, isKnown } = await all();
      if (!isKnown && !hasTold) return;
      hasTold = true;
      const known = await toEach(agents, (machines) => ({
        fencingToken,
        edges: edges.filter(({ machine }) => machines.has(machine)),
        segments: segments.filter(({ machine }) => machines.has(machine)),
      }));
      const lost = [...edges, ...segments].find(({ machine }) => !known.has(machine));
      if (lost)
        throw new Error(
          `machine of ${lost.name}: got ${JSON.stringify(lost.machine)}, expected one of ${[...known].toSorted().join(", ") || "a node-agent"}`,
        );
    },
    wish: async (action, records) => {
      switch (action.kind) {
        case "fail-over":
          return wishMachine(action, configured, records);
        case "deploy":
          return wishDeploy(action, records.deployments);
        case "destroy":
          return wishDestroy(action, records.deployments);
        case "evacuate":
          return wishEvacuate(action, records.deployments, machinesThere());
        default:
          return action;
      }
    },
  };
}

/** Rejects with all that went wrong, after all were asked. @returns their machines. */
async function toEach(
  agents: Network["agents"],
  wishFor: (machines: ReadonlySet<string>) => {
    fencingToken: bigint;
    edges: EdgeSpec[];
    segments: Segment[];
  },
): Promise<ReadonlySet<string>> {
  const failures: { name: string; error: unknown }[] = [];
  const known = new Set<string>();
  await Promise.all(
    [...agents].map(async ([name, agent]) => {
      try {
        const { machines } = await agent.getStatus({}, LIMITED);
        for (const machine of machines) known.add(machine);
        await agent.setDesiredState(wishFor(new Set(machines)), LIMITED);
      } catch (error) {
        failures.push({ name, error });
      }
    }),
  );
  const [first] = failures;
  if (first && failures.length === agents.size && failures.length === 1) throw first.error;
  if (first)
    throw new Error(failures.map(({ name, error }) => `${name}: ${messageOf(error)}`).join("; "), {
      cause: first.error,
    });
  return known;
}

/** Edges as they were changed since: other machines, higher generations. */
function asChanged(
  edges: readonly EdgeSpec[],
  machines: ReadonlyMap<string, string>,
  generations: ReadonlyMap<string, number>,
): EdgeSpec[] {
  return edges.map((edge) => {
    const generation = BigInt(generations.get(edge.name) ?? 1);
    const machine = edge.channel === "" ? machines.get(edge.name) : undefined;
    return create(EdgeSpecSchema, { ...edge, machine: machine ?? edge.machine, generation });
  });
}

function configuredSegments(
  configured: SetDesiredStateRequest | undefined,
  opened: ReadonlyMap<string, OpenedSegment>,
): Segment[] {
  return (configured?.segments ?? []).map((segment) => {
    const vni = opened.get(segment.name)?.vni ?? segment.vni;
    return create(SegmentSchema, { ...segment, vni });
  });
}

async function wishMachine(
  action: Extract<Action, { kind: "fail-over" }>,
  configured: SetDesiredStateRequest | undefined,
  intents: Pick<Intents, "wishes" | "wish">,
): Promise<Action | { cannot: string }> {
  const edge = configured?.edges.find(({ name }) => name === action.target);
  if (!edge) return { cannot: `OpsBot was not told where ${action.target} shall run` };
  const machines = [...new Set(configured!.edges.map(({ machine }) => machine))].toSorted();
  const from = (await intents.wishes(MACHINE)).get(edge.name) ?? edge.machine;
  const next = machines[(machines.indexOf(from) + 1) % machines.length]!;
  const machine = action.machine ?? next;
  if (machine === from || !machines.includes(machine))
    return { cannot: `${edge.name} runs on ${from}, and there is no other machine for it` };
  await intents.wish(edge.name, MACHINE, machine);
  return { ...action, machine, from };
}

function parsed(json: string): SetDesiredStateRequest | undefined {
  if (json === "") return undefined;
  try {
    return fromJsonString(SetDesiredStateRequestSchema, json);
  } catch (error) {
    throw new OperatorError(`--edges: ${messageOf(error)}`, { cause: error });
  }
}

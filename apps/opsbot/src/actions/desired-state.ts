/** What shall run, told to node-agents: as it was configured, as it was changed since, and what was deployed. */
import { create, fromJsonString } from "@bufbuild/protobuf";
import { RpcError, toRpcError } from "@glassline/proto/errors";
import type { EdgeSpec, Segment, SetDesiredStateRequest } from "@glassline/proto/node";
import { EdgeSpecSchema, SegmentSchema, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { EffectDeps } from "./effects.ts";
import { stillReleased, unlessHeld } from "./effects.ts";
import { wishDeploy, wishDestroy, wishEvacuate, wishForget } from "./channel-wishes.ts";
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
  /** Whether OpsBot was told that an edge shall run: it is configured, or was deployed. */
  runs(edge: string): Promise<boolean>;
  /**
   * Tells each node-agent what is for its machines; nothing changes when it is so already. Those that answer are told also when others do
   * not. Rejects when one does not take it, or nothing may be begun by then.
   * @param edge it matters to this one alone: the node-agent of its machine must take it.
   */
  tell(effects: Telling, edge?: string): Promise<void>;
  /** Within the transaction of an intent: chooses what the action leaves open, and writes down what shall be. */
  wish(action: Action, records: WishRecords): Promise<Action | { cannot: string }>;
}

export type Telling = Pick<EffectDeps, "fencingToken" | "isHeld">;

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
    runs: async (edge) => (await all()).edges.some(({ name }) => name === edge),
    tell: async (effects, edge) => {
      const { fencingToken } = effects;
      // Somebody else runs the edges.
      if (agents.size === 0) return;
      const { edges, segments, isKnown } = await all();
      if (!isKnown && !hasTold) return;
      hasTold = true;
      const { told, failure } = await toEach(agents, effects, (machines) => ({
        fencingToken,
        edges: edges.filter(({ machine }) => machines.has(machine)),
        segments: segments.filter(({ machine }) => machines.has(machine)),
      }));
      if (edges.some(({ name, machine }) => name === edge && told.has(machine))) return;
      if (failure) throw failure;
      const lost = [...edges, ...segments].find(({ machine }) => !told.has(machine));
      if (lost)
        throw new Error(
          `machine of ${lost.name}: got ${JSON.stringify(lost.machine)}, expected one of ${[...told].toSorted().join(", ") || "a node-agent"}`,
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
        case "forget-machine":
          return wishForget(action, records.deployments);
        default:
          return action;
      }
    },
  };
}

interface Told {
  /** Machines whose node-agents took it. */
  told: ReadonlySet<string>;
  /** All that went wrong, after all were asked. */
  failure: Error | undefined;
}

async function toEach(
  agents: Network["agents"],
  effects: Telling,
  wishFor: (machines: ReadonlySet<string>) => {
    fencingToken: bigint;
    edges: EdgeSpec[];
    segments: Segment[];
  },
): Promise<Told> {
  const failures: { name: string; error: unknown }[] = [];
  const told = new Set<string>();
  await Promise.all(
    [...agents].map(async ([name, agent]) => {
      try {
        const { machines } = await agent.getStatus({}, LIMITED);
        await stillReleased(effects);
        await agent.setDesiredState(wishFor(new Set(machines)), {
          ...LIMITED,
          ...unlessHeld(effects),
        });
        for (const machine of machines) told.add(machine);
      } catch (error) {
        failures.push({ name, error });
      }
    }),
  );
  return { told, failure: failureOf(failures, agents.size) };
}

/** Of a single one what it said itself, of several with their names. */
function failureOf(
  failures: readonly { name: string; error: unknown }[],
  asked: number,
): Error | undefined {
  const [first] = failures;
  if (!first) return undefined;
  if (asked === 1) return toRpcError(first.error);
  const says = failures.map(({ name, error }) => `${name}: ${messageOf(error)}`).join("; ");
  return new RpcError(toRpcError(first.error).code, says, { cause: first.error });
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

/** Whose edge it is; undefined: no channel's. */
async function channelOf(
  edge: string,
  deployments: Pick<DeploymentReads, "all">,
): Promise<string | undefined> {
  const all = await deployments.all();
  return all.find(({ told }) => told.edges.some(({ name }) => name === edge))?.channel;
}

async function wishMachine(
  action: Extract<Action, { kind: "fail-over" }>,
  configured: SetDesiredStateRequest | undefined,
  { deployments, ...intents }: WishRecords,
): Promise<Action | { cannot: string }> {
  const edge = configured?.edges.find(({ name }) => name === action.target);
  const channel = await channelOf(action.target, deployments);
  if (channel !== undefined)
    return {
      cannot: `${action.target} is where the channel ${channel} has it: it moves when that is deployed otherwise, or its machine is evacuated`,
    };
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

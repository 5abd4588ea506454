/** What shall run, told to the node-agent: as it was configured, and as it was changed since. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromJsonString } from "@bufbuild/protobuf";
import type { Segment, SetDesiredStateRequest } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { Action } from "../core/action.ts";
import { segmentVni } from "../core/segment-vni.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { IntentReads, Intents } from "../stores/intents.ts";
import { overlayKey } from "../stores/intents.ts";

/** A wish: the machine of an edge. */
const MACHINE = "machine";

export interface DesiredState {
  /** Undefined: OpsBot was not told what shall run. */
  configured: SetDesiredStateRequest | undefined;
  /** Names of the overlays that are configured. */
  overlays: readonly string[];
  /** Tells the node-agent; nothing changes when it is so already. Rejects when it does not take it. */
  tell(fencingToken: bigint): Promise<void>;
  /** Within the transaction of an intent: chooses what the action leaves open, and writes down what shall be. */
  wish(
    action: Action,
    intents: Pick<Intents, "wishes" | "wish">,
  ): Promise<Action | { cannot: string }>;
}

/** @param json SetDesiredStateRequest; empty: edges are left as they are. Throws OperatorError. */
export function readDesired(
  json: string,
  { agent }: Pick<Network, "agent">,
  journal: Pick<IntentReads, "generation" | "wishes">,
): DesiredState {
  const configured = parsed(json);
  const overlays = [...new Set(configured?.segments.map(({ name }) => name))].toSorted();
  const edges = async () => {
    const machines = await journal.wishes(MACHINE);
    const all: MessageInitShape<typeof SetDesiredStateRequestSchema>["edges"] = [];
    for (const edge of configured?.edges ?? []) {
      const generation = BigInt(await journal.generation(edge.name));
      all.push({ ...edge, machine: machines.get(edge.name) ?? edge.machine, generation });
    }
    return all;
  };
  const segments = async () => {
    const highest = Math.max(0, ...(configured?.segments ?? []).map(({ vni }) => vni));
    const all: Segment[] = [];
    for (const segment of configured?.segments ?? []) {
      const generation = await journal.generation(overlayKey(segment.name));
      const place = { index: overlays.indexOf(segment.name), count: overlays.length, highest };
      all.push({ ...segment, vni: segmentVni(segment.vni, generation, place) });
    }
    return all;
  };
  return {
    configured,
    overlays,
    tell: async (fencingToken) => {
      if (!configured || !agent) return;
      const wished = { fencingToken, edges: await edges(), segments: await segments() };
      await agent.setDesiredState(wished, LIMITED);
    },
    wish: async (action, intents) =>
      action.kind === "fail-over" ? wishMachine(action, configured, intents) : action,
  };
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

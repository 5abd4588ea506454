/** What shall run, told to the node-agent: as it was configured, and as it was changed since. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromJsonString } from "@bufbuild/protobuf";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { IntentReads } from "../stores/intents.ts";

export interface DesiredState {
  /** Undefined: OpsBot was not told what shall run. */
  configured: SetDesiredStateRequest | undefined;
  /** Tells the node-agent; nothing changes when it is so already. Rejects when it does not take it. */
  tell(fencingToken: bigint): Promise<void>;
}

/** @param json SetDesiredStateRequest; empty: edges are left as they are. Throws OperatorError. */
export function readDesired(
  json: string,
  { agent }: Pick<Network, "agent">,
  journal: Pick<IntentReads, "generation" | "wishes">,
): DesiredState {
  const configured = parsed(json);
  return {
    configured,
    tell: async (fencingToken) => {
      if (!configured || !agent) return;
      const machines = await journal.wishes("machine");
      const edges: MessageInitShape<typeof SetDesiredStateRequestSchema>["edges"] = [];
      for (const edge of configured.edges) {
        const generation = BigInt(await journal.generation(edge.name));
        edges.push({ ...edge, machine: machines.get(edge.name) ?? edge.machine, generation });
      }
      await agent.setDesiredState({ fencingToken, edges }, LIMITED);
    },
  };
}

function parsed(json: string): SetDesiredStateRequest | undefined {
  if (json === "") return undefined;
  try {
    return fromJsonString(SetDesiredStateRequestSchema, json);
  } catch (error) {
    throw new OperatorError(`--edges: ${messageOf(error)}`, { cause: error });
  }
}

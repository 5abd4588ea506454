/** What is done to channels that were deployed, beside deploying them: their machines die, their devices are lost. */
import { messageOf } from "@glassline/service/errors";

import type { Action } from "../core/action.ts";
import { counted } from "../core/words.ts";
import { LIMITED } from "../network.ts";
import type { Effect } from "./effects.ts";
import { persist } from "./effects.ts";

type Of<K extends Action["kind"]> = Effect<Extract<Action, { kind: K }>>;

/** Where things go was written down with the intent; a machine that is away hears of it when it is back. */
export const evacuate: Of<"evacuate"> = async (intent, deps) => {
  const moved = await deps.deployer.evacuate(intent, deps);
  return moved.join("; ") || `nothing of a channel ran on ${intent.action.target}`;
};

/** First whoever gives tokens, then each edge that would take one. Those that are away hear of it when they are back. */
export const revokeDevice: Of<"revoke-device"> = async (intent, deps) => {
  const { action, idempotencyKey } = intent;
  const { network, edgeToken, fencingToken, deployer } = deps;
  const { target: channel, device } = action;
  const { enrolment } = deployer.parts;
  if (!enrolment) throw new Error("this OpsBot was told of no enrolment");
  const { subject } = await persist(deps, () =>
    enrolment.revokeDevice({ channel, device, idempotencyKey, fencingToken }, LIMITED),
  );
  const deployment = await deployer.parts.journal.deployments.of(channel);
  const failures: string[] = [];
  const edges = (deployment?.goal.edges ?? []).filter((edge) => edge.protectedPaths.length > 0);
  await Promise.all(
    edges.map(({ name }) =>
      persist(deps, async () => {
        const client = network.edges.get(name);
        if (!client) throw new Error("it is not known");
        await client.revokeTokens(
          {
            target: { case: "client", value: subject },
            idempotencyKey: `${idempotencyKey}:${name}`,
            fencingToken,
          },
          { ...LIMITED, authorization: `Bearer ${edgeToken}` },
        );
      }).catch((error: unknown) => failures.push(`${name}: ${messageOf(error)}`)),
    ),
  );
  if (failures.length > 0)
    throw new Error(`it gets no tokens any more, but may watch on at ${failures.join("; ")}`);
  return `it gets no tokens any more, and ${counted(edges.length, "edge")} refuse those that it has`;
};

/** What is done to the mesh's links and to the collector's replicas. */
import type { MeshAdminService } from "@glassline/proto/mesh";
import type { Client } from "@glassline/proto/rpc";

import type { Action } from "../core/action.ts";
import { LIMITED } from "../network.ts";
import type { Intent } from "../stores/intents.ts";
import { restartCollector as askCollector } from "./collector-actions.ts";
import type { Effect, EffectDeps } from "./effects.ts";
import { begin, persist, unlessHeld } from "./effects.ts";
import type { LinkCall } from "./link-actions.ts";
import { restartLink as askToRestart, rotateKeys as askToRotate } from "./link-actions.ts";

type Of<K extends Action["kind"]> = Effect<Extract<Action, { kind: K }>>;

export const restartLink: Of<"restart-link"> = (intent, deps) =>
  toLinks(intent, deps, askToRestart);

export const rotateKeys: Of<"rotate-keys"> = (intent, deps) => toLinks(intent, deps, askToRotate);

export const restartCollector: Of<"restart-collector"> = ({ action, idempotencyKey }, deps) => {
  const client = deps.network.collectors.get(action.target);
  if (!client) throw new Error(`no collector is called ${action.target}`);
  const { fencingToken } = deps;
  // One that is away is started by its supervisor: it is not waited for, to be started once more when it is back.
  return begin(deps, () =>
    askCollector({ client, idempotencyKey, fencingToken, ...unlessHeld(deps) }),
  );
};

/** One after the other, so that the mesh is never cut in two places. */
async function toLinks(
  { action, idempotencyKey }: Intent,
  deps: EffectDeps,
  ask: (call: LinkCall) => Promise<string>,
): Promise<string> {
  const { fencingToken } = deps;
  const [client, neighbours] = await endsOf(action.target, deps);
  const told: string[] = [];
  for (const neighbour of neighbours) {
    const call = {
      client,
      neighbour,
      idempotencyKey: `${idempotencyKey}:${neighbour}`,
      fencingToken,
      ...unlessHeld(deps),
    };
    told.push(await persist(deps, () => ask(call)));
  }
  return told.length > 0 ? told.join("; ") : `no link of ${action.target} is down`;
}

/** @returns a node, and the nodes at the other ends of the links that are meant: of a node alone, those that are down. */
async function endsOf(
  target: string,
  deps: EffectDeps,
): Promise<[Client<typeof MeshAdminService>, readonly string[]]> {
  const { meshNodes } = deps.network;
  const [one = "", other] = target.split("/");
  const client = meshNodes.get(one);
  if (client && other !== undefined) return [client, [other]];
  const far = other === undefined ? undefined : meshNodes.get(other);
  if (far) return [far, [one]];
  if (!client) throw new Error(`no mesh node is called ${one}`);
  const { links } = await persist(deps, () => client.getStatus({}, LIMITED));
  return [client, links.filter(({ up }) => !up).map(({ neighbour }) => neighbour)];
}

/** How the caches of a channel are filled and tried. */
import type { EdgeSpec } from "@glassline/proto/node";
import { OperatorError } from "@glassline/service/errors";

import { begin } from "../actions/effects.ts";
import { seed } from "../caches/seed.ts";
import { validate } from "../caches/validate.ts";
import { LIMITED } from "../network.ts";
import { enrol } from "./steps/clients.ts";
import type { Caches, Work } from "./parts.ts";

/** Edges that have just been started may be too busy to reach what they fetch from. */
const SEED_TRIES = 4;
const SEED_PAUSE_MS = 1_000;
/** Players begin within this share of the load's time. */
const START_SHARE = 0.25;

/** @param accessLogs files of edges that tell what is popular. */
export function cachesOf(accessLogs: readonly string[]): Caches {
  return {
    seed: async ({ deployment, description, effects, idempotencyKey }) => {
      const { network, edgeToken, fencingToken, clock, isHeld, signal } = effects;
      const edges = new Map(
        viewersEdges(deployment.goal.edges).flatMap(({ name }) => {
          const client = network.edges.get(name);
          return client ? [[name, client] as const] : [];
        }),
      );
      const { paths, popular, perSecond } = description.cache;
      const wish = {
        paths: [description.source, ...paths],
        popular,
        perSecond,
        accessLogs,
      };
      const key = `${idempotencyKey}:seed:${deployment.revision}`;
      for (let nth = 1; ; nth++)
        try {
          const deps = { edges, edgeToken, fencingToken, clock, isHeld, signal };
          return (await seed(deps, { ...wish, idempotencyKey: `${key}:${nth}` })).says;
        } catch (error) {
          if (!(error instanceof OperatorError) || nth === SEED_TRIES) throw error;
          await clock.sleep(SEED_PAUSE_MS, signal);
        }
    },
    validate: async (work) => {
      const { deployment, description, effects } = work;
      const { slo, source } = description;
      const edges = viewersEdges(deployment.goal.edges);
      const wish = {
        edges: edges.map(({ name, publicUrl }) => ({ name, publicUrl })),
        path: source,
        players: slo.players,
        forMs: slo.for,
        startOverMs: Math.round(START_SHARE * slo.for),
        token: await tokenFor(work),
        slo: {
          hitRate: slo.hitRate,
          firstByteP99Ms: slo.firstByte,
          errorShare: slo.errors,
          stalls: slo.stalls,
        },
      };
      return begin(effects, () => validate(wish, effects));
    },
  };
}

/** Not the shield: no viewer asks it. */
const viewersEdges = (edges: readonly EdgeSpec[]) => {
  const shields = new Set(edges.map(({ shield }) => shield));
  return edges.filter(({ name }) => !shields.has(name));
};

async function tokenFor(work: Work): Promise<string | undefined> {
  const { deployment, description, parts, effects } = work;
  if (!description.clients) return undefined;
  // Tokens are for channels that it knows.
  await enrol(work);
  const { token } = await begin(effects, () =>
    parts.enrolment!.issueToken({ channel: deployment.channel }, LIMITED),
  );
  return token;
}

/** One edge is seeded: begun once an idempotency key, and followed to its end, also over a restart of either side. */
import type { EdgeCacheService, Priming } from "@glassline/proto/edge";
import { PrimingState } from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";
import type { Client } from "@glassline/proto/rpc";
import { messageOf } from "@glassline/service/errors";

import { released, stillReleased, unlessHeld } from "../actions/effects.ts";
import { LIMITED } from "../network.ts";
import type { EdgeSeeded, SeedDeps, SeedWish } from "./seed.ts";

/** Between two looks at how it goes. */
const LOOK_MS = 200;
/** Between two lines of how it goes. */
const TELL_MS = 2_000;
/** An edge that does not answer for so long, or gets no further, is given up. */
const PATIENCE_MS = 15_000;
const STUCK_MS = 60_000;
/** An edge that starts anew knows nothing of its primings. */
const BEGUN_MAX = 4;
const PASSING: ReadonlySet<string> = new Set(["unavailable", "deadline_exceeded"]);
/** Other primings go first, and so many may wait. */
const FULL = "resource_exhausted";

type Edge = Client<typeof EdgeCacheService>;

/** Rejects only when the signal is aborted. */
export async function seedEdge(
  deps: SeedDeps,
  wish: SeedWish,
  paths: readonly string[],
  edge: string,
  client: Edge,
): Promise<EdgeSeeded> {
  const following: Following = { deps, wish, paths, edge, client, begun: 0, last: undefined };
  try {
    const priming = await follow(following);
    const problem = priming.state === PrimingState.FAILED ? priming.failure : "";
    return { edge, priming, problem };
  } catch (error) {
    deps.signal.throwIfAborted();
    return { edge, priming: following.last, problem: messageOf(error) };
  }
}

interface Following {
  deps: SeedDeps;
  wish: SeedWish;
  paths: readonly string[];
  edge: string;
  client: Edge;
  /** How often it was begun. */
  begun: number;
  /** As it was told last. */
  last: Priming | undefined;
}

async function follow(following: Following): Promise<Priming> {
  const { clock, signal, told } = following.deps;
  let answeredMs = clock.monotonicMs();
  let movedMs = answeredMs;
  let toldMs = answeredMs;
  for (;;) {
    const heldMs = await released(following.deps);
    answeredMs += heldMs;
    movedMs += heldMs;
    signal.throwIfAborted();
    const nowMs = clock.monotonicMs();
    try {
      const before = following.last;
      const priming = (following.last = await look(following));
      answeredMs = nowMs;
      if (isOver(priming)) return priming;
      if (hasMoved(before, priming)) movedMs = nowMs;
    } catch (error) {
      const code = error instanceof RpcError ? error.code : undefined;
      if (code === FULL) movedMs = answeredMs = nowMs;
      else if (!PASSING.has(code ?? "") || nowMs - answeredMs > PATIENCE_MS) throw error;
    }
    if (nowMs - movedMs > STUCK_MS)
      throw new Error(`it got no further for ${STUCK_MS / 1_000} s${progressText(following)}`);
    if (nowMs - toldMs >= TELL_MS) {
      toldMs = nowMs;
      told?.(`${following.edge}${progressText(following)}`);
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/** What this key has begun, also in an earlier life of OpsBot, is gone on with: the logs may say otherwise by now. */
async function look(following: Following): Promise<Priming> {
  const { client, deps, wish, paths } = following;
  const options = { ...LIMITED, authorization: `Bearer ${deps.edgeToken}`, signal: deps.signal };
  const { idempotencyKey, perSecond } = wish;
  try {
    const { priming } = await client.getPriming({ idempotencyKey }, options);
    if (priming) return priming;
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== "not_found") throw error;
  }
  if (following.begun >= BEGUN_MAX)
    throw new Error(`it forgot ${BEGUN_MAX} times what it was to fetch, expected it to stay`);
  const { fencingToken } = deps;
  const wanted = { paths: [...paths], background: true, perSecond, idempotencyKey, fencingToken };
  await stillReleased(deps);
  const { priming } = await client.prime(wanted, { ...options, ...unlessHeld(deps) });
  following.begun++;
  if (!priming) throw new Error("it does not tell how its priming goes, expected a newer edge");
  return priming;
}

const isOver = ({ state }: Priming) => state === PrimingState.DONE || state === PrimingState.FAILED;

function hasMoved(before: Priming | undefined, { objectsFetched, objectsFailed, ...now }: Priming) {
  return (
    before?.objectsFetched !== objectsFetched ||
    before.objectsFailed !== objectsFailed ||
    before.objectsValidated !== now.objectsValidated ||
    // Its turn has not come yet.
    now.state === PrimingState.QUEUED
  );
}

function progressText({ last }: Following): string {
  if (!last) return "";
  const megabytes = (Number(last.bytes) / 1e6).toFixed(1);
  return `: ${last.objectsFetched} of ${last.objectsFound} objects (${megabytes} MB)`;
}

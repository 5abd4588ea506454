/** The kill switch: what is under way begins no other effect while it is on, and goes on behind it. */
import { create, toJsonString } from "@bufbuild/protobuf";
import { PrimingState } from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";
import {
  EdgeSpecSchema,
  GetStatusResponseSchema,
  SetDesiredStateRequestSchema,
} from "@glassline/proto/node";
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { seed } from "../caches/seed.ts";
import { readDescription } from "../core/deployment/read-description.ts";
import { cachesOf } from "../deployment/caches.ts";
import type { Work } from "../deployment/parts.ts";
import { containers } from "../deployment/steps/containers.ts";
import { waitFor } from "../deployment/told.ts";
import type { DesiredJournal } from "./desired-state.ts";
import { readDesired } from "./desired-state.ts";
import { failOver } from "./edge-effects.ts";
import type { EffectDeps } from "./effects.ts";
import { heldBack } from "./effects.ts";

/** Longer than any effect is tried. */
const LONG_MS = 90_000;
const SHORT_MS = 1_000;
const EDGES = ["edge-1", "edge-2"].map((name) => create(EdgeSpecSchema, { name, machine: name }));
const WISHED = create(SetDesiredStateRequestSchema, { edges: EDGES });

/** Edges and a node-agent that record what they are asked to do; it is held until it is said otherwise. */
function startStage() {
  const clock = simulatedClock();
  const asked: string[] = [];
  const stage = { isHeld: true, answers: () => {} };
  const client = (name: string) => ({
    setDraining: async () => {
      asked.push(`drain ${name}`);
      throw new RpcError("unavailable", "away");
    },
    getPriming: async () => {
      stage.answers();
      throw new RpcError("not_found", "nothing is primed");
    },
    prime: async () => {
      asked.push(`prime ${name}`);
      return { priming: { state: PrimingState.DONE, objectsFetched: 1, bytes: 1n, failures: [] } };
    },
  });
  const agent = {
    getStatus: async () => {
      stage.answers();
      return create(GetStatusResponseSchema, { machines: EDGES.map(({ machine }) => machine) });
    },
    setDesiredState: async () => void asked.push("tell"),
  };
  const edges = new Map(EDGES.map(({ name }) => [name, client(name)]));
  const network = {
    agents: new Map([["agent", agent]]),
    edges,
  } as unknown as EffectDeps["network"];
  const journal = {
    generations: async () => new Map(),
    wishes: async () => new Map(),
    openedSegments: async () => new Map(),
    deployments: { all: async () => [] },
  } satisfies DesiredJournal;
  const effects = {
    network,
    desired: readDesired(toJsonString(SetDesiredStateRequestSchema, WISHED), network, journal),
    clock,
    edgeToken: "token",
    fencingToken: 1n,
    isHeld: async () => stage.isHeld,
    signal: new AbortController().signal,
  } as unknown as EffectDeps;
  const description = readDescription(
    "channel: harbour\nsource: /live/a/index.m3u8\nmachines: [edge-1, edge-2]",
  );
  const work = {
    deployment: { channel: "harbour", goal: WISHED, told: WISHED, revision: 1 },
    description,
    parts: {
      journal: { transact: async () => {} },
      watch: async () => {},
    },
    effects,
    idempotencyKey: "key",
  } as unknown as Work;
  return Object.assign(stage, { clock, asked, effects, work });
}

type Stage = ReturnType<typeof startStage>;

/** That nothing is asked for long, and what is asked as soon as it is not held any more. */
async function askedBehind(stage: Stage, effect: Promise<unknown>): Promise<string[]> {
  effect.catch(() => {});
  await stage.clock.advance(LONG_MS);
  expect(stage.asked).toEqual([]);
  stage.isHeld = false;
  await stage.clock.advance(SHORT_MS);
  return [...new Set(stage.asked)];
}

test("what cannot be known now holds back", async () => {
  const clock = simulatedClock();
  const isHeld = (isKilled: () => Promise<boolean>, leads = true) =>
    heldBack(clock, { isKilled, leads: () => leads });
  expect(await isHeld(async () => false)).toBe(false);
  expect(await isHeld(async () => true)).toBe(true);
  expect(await isHeld(async () => false, false)).toBe(true);
  expect(await isHeld(() => Promise.reject(new Error("the database is away")))).toBe(true);
  const late = isHeld(() => clock.sleep(100).then(() => false));
  await clock.advance(100);
  expect(await late).toBe(true);
});

test("failing over steers no viewer away before", async () => {
  const stage = startStage();
  const action = { kind: "fail-over", target: "edge-1", machine: "b", from: "a" } as const;
  const intent = { idempotencyKey: "key", incidentId: 1, generation: 0, action };
  expect(await askedBehind(stage, failOver(intent, stage.effects))).toEqual([
    "drain edge-1",
    "tell",
  ]);
});

test("a step that waits tells node-agents nothing more, and its time stands still", async () => {
  const stage = startStage();
  stage.isHeld = false;
  let lacking = ["edge-1"];
  const waiting = waitFor(stage.work, "edges", 2_000, () => lacking);
  await stage.clock.advance(700);
  expect(stage.asked).toEqual(["tell"]);
  stage.isHeld = true;
  await stage.clock.advance(LONG_MS);
  expect(stage.asked).toEqual(["tell"]);
  stage.isHeld = false;
  await stage.clock.advance(400);
  expect(stage.asked).toEqual(["tell", "tell"]);
  lacking = [];
  await stage.clock.advance(100);
  await waiting;
});

test("a node-agent that took its time to answer is not told any more", async () => {
  const stage = startStage();
  stage.isHeld = false;
  stage.answers = () => void (stage.isHeld = true);
  await expect(stage.effects.desired.tell(stage.effects)).rejects.toThrow("nothing is begun");
  expect(stage.asked).toEqual([]);
});

test("edges that a channel leaves are not drained before", async () => {
  const stage = startStage();
  const asked = await askedBehind(stage, containers.undo(stage.work));
  expect(asked.slice(0, 2)).toEqual(["drain edge-1", "drain edge-2"]);
});

test("caches are neither seeded before, nor by an edge that took its time to answer", async () => {
  const stage = startStage();
  const wish = { paths: ["/a"], popular: 0, perSecond: 1, accessLogs: [], idempotencyKey: "key" };
  const { network, ...deps } = stage.effects;
  const seeding = seed({ ...deps, edges: network.edges }, wish);
  expect(await askedBehind(stage, seeding)).toEqual(["prime edge-1", "prime edge-2"]);
  await seeding;

  const late = startStage();
  late.isHeld = false;
  late.answers = () => void (late.isHeld = true);
  const again = seed({ ...late.effects, edges: late.effects.network.edges }, wish);
  await late.clock.advance(LONG_MS);
  expect(late.asked).toEqual([]);
  late.answers = () => {};
  late.isHeld = false;
  await late.clock.advance(SHORT_MS);
  expect((await again).says).toMatch(/^2 objects/);
});

test("no load is begun before", async () => {
  const stage = startStage();
  const work = { ...stage.work, deployment: { ...stage.work.deployment, goal: { edges: [] } } };
  let refused = "";
  void cachesOf([])
    .validate(work as unknown as Work)
    .catch((error: Error) => (refused = error.message));
  await stage.clock.advance(LONG_MS);
  expect(refused).toBe("");
  stage.isHeld = false;
  await stage.clock.advance(100);
  expect(refused).toMatch(/^edges: got 0/);
});

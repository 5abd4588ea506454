/** Edges of deployed channels, where OpsBot was not told of any others. */
import { create } from "@bufbuild/protobuf";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { RpcError } from "@glassline/proto/errors";
import { EdgeSpecSchema, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import type { Action } from "../core/action.ts";
import type { Network } from "../network.ts";
import type { Intent } from "../stores/intents.ts";
import { openFile, scratch } from "../stores/store.testing.ts";
import { carryOut } from "./carry-out.ts";
import { readDesired } from "./desired-state.ts";
import type { EffectDeps } from "./effects.ts";

const TOLD = create(SetDesiredStateRequestSchema, {
  edges: ["harbour-1", "harbour-2"].map((name, at) =>
    create(EdgeSpecSchema, { name, machine: `machine-${at + 1}`, channel: "harbour" }),
  ),
});

/**
 * @param awayMachine of a node-agent that does not answer.
 * @returns what the node-agent was told, and the result of what an intent does; or why there is none.
 */
async function startStage(awayMachine = "") {
  const clock = simulatedClock();
  const led = await openFile(scratch(), () => clock.nowUnixNano());
  const { journal } = led;
  await journal.transact(async ({ deployments }) => {
    await deployments.wish("harbour", "default", "channel: harbour");
    await deployments.change("harbour", { told: TOLD });
  });
  const told: SetDesiredStateRequest[] = [];
  const agent = {
    getStatus: async () => ({
      machines: ["machine-1", "machine-2"].filter((machine) => machine !== awayMachine),
    }),
    setDesiredState: async (request: SetDesiredStateRequest) => void told.push(request),
  };
  const away = {
    getStatus: () => Promise.reject(new RpcError("unavailable", "no answer")),
  };
  const named = awayMachine === "" ? { agent } : { agent, away };
  const agents = new Map(Object.entries(named)) as unknown as Network["agents"];
  const desired = readDesired("", { agents }, journal);
  const effects = {
    desired,
    clock,
    fencingToken: led.fencingToken,
    isHeld: async () => false,
    signal: new AbortController().signal,
  } as unknown as EffectDeps;
  const ask = async (action: Action): Promise<string> => {
    const begun = await journal.transact(async (records): Promise<Intent | { cannot: string }> => {
      const wished = await desired.wish(action, records);
      if ("cannot" in wished) return wished;
      const about = { object: action.target, check: "request", title: "asked for" };
      return records.intend(await records.openIncident(about, "asked"), wished, "");
    });
    return "cannot" in begun ? begun.cannot : carryOut(begun, effects);
  };
  return { journal, told, ask, [Symbol.asyncDispose]: () => led[Symbol.asyncDispose]() };
}

test("are started anew while the node-agent of another machine is away, which matters to none of it", async () => {
  await using stage = await startStage("machine-2");
  const says = "the node-agent was told to start harbour-1 anew (generation 2)";
  expect(await stage.ask({ kind: "restart", target: "harbour-1" })).toBe(says);
});

test("are started anew by their node-agent", async () => {
  await using stage = await startStage();
  const says = "the node-agent was told to start harbour-1 anew (generation 2)";
  expect(await stage.ask({ kind: "restart", target: "harbour-1" })).toBe(says);
  const [request] = stage.told;
  expect(request!.edges.map(({ name, generation }) => `${name}/${generation}`)).toEqual([
    "harbour-1/2",
    "harbour-2/1",
  ]);
});

test("are not failed over, and nothing is begun", async () => {
  await using stage = await startStage();
  expect(await stage.ask({ kind: "fail-over", target: "harbour-1" })).toMatch(
    /^harbour-1 is where the channel harbour has it/,
  );
  expect(stage.told).toEqual([]);
  expect(await stage.journal.wishes("machine")).toEqual(new Map());
});

test("that are nobody's are not started anew", async () => {
  await using stage = await startStage();
  await expect(stage.ask({ kind: "restart", target: "edge-9" })).rejects.toThrow(
    "OpsBot was not told what shall run",
  );
  expect(stage.told).toEqual([]);
});

/** SIGKILL in mid-stream, on real processes: every acknowledged sample is stored exactly once. */
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { ProcessStack } from "./testing/processes.ts";
import { startProcesses } from "./testing/processes.ts";
import type { CountingSource } from "./testing/sources.ts";
import { countedValues, countingSource } from "./testing/sources.ts";
import { eventually } from "./testing/testbed.ts";

const CAMERA = "cam-counted";

let stack: ProcessStack;
beforeEach(
  async () =>
    void (stack = await startProcesses({}, [
      "node-1",
      "node-2",
      "node-3",
      "collector",
      "dashboard",
    ])),
);
afterEach(() => stack[Symbol.asyncDispose]());

const storedValues = () => countedValues(stack.query, CAMERA);

const atLeast = (count: number) => async () =>
  (await storedValues()).length >= count ? true : undefined;

/** Lets samples flow, does something terrible, lets more flow, and compares what went in with what is stored. */
async function survives(terrible: () => Promise<void>): Promise<CountingSource> {
  const source = countingSource(CAMERA, { perReport: 20, intervalMs: 5 });
  await using _agent = await stack.attach([source]);
  await eventually("samples arrive", atLeast(500));
  await terrible();
  const before = source.yielded;
  await eventually("samples arrive again", atLeast(before), 30_000);
  source.finish();
  const expected = Array.from({ length: source.yielded }, (_, at) => at + 1);
  await eventually("all samples are stored", atLeast(expected.length), 30_000);
  expect(await storedValues()).toEqual(expected);
  return source;
}

/** The relay that hands the session to the collector now. */
async function egress(): Promise<string> {
  return eventually("there is an egress", async () => {
    const { nodes } = await stack.dashboard.getOverview();
    return nodes.find(({ gateway }) => gateway)?.gateway?.egress || undefined;
  });
}

describe("nothing acknowledged is lost or stored twice", { timeout: 90_000 }, () => {
  test("when the collector is killed in mid-stream and started again", async () => {
    await survives(async () => {
      await stack.supervisor.kill("collector", "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 500));
      await stack.supervisor.restart("collector");
    });
  });

  test("when the relay in use is killed: traffic takes the other way", async () => {
    const first = await egress();
    await survives(() => stack.supervisor.kill(first, "SIGKILL"));
    await eventually("the gateway uses the other relay", async () =>
      (await egress()) === first ? undefined : true,
    );
  });

  test("when the gateway is killed and started again", async () => {
    await survives(async () => {
      await stack.supervisor.kill("node-1", "SIGKILL");
      await stack.supervisor.restart("node-1");
    });
  });

  test("when all of them are killed at once and started again", async () => {
    const names = ["node-1", "node-2", "node-3", "collector"];
    await survives(async () => {
      await Promise.all(names.map((name) => stack.supervisor.kill(name, "SIGKILL")));
      await Promise.all(names.map((name) => stack.supervisor.restart(name)));
    });
  });

  test("when the gateway loses its disk: what comes afterwards arrives, and nothing is stored twice", async () => {
    const source = countingSource(CAMERA, { perReport: 20, intervalMs: 5 });
    await using _agent = await stack.attach([source]);
    await eventually("samples arrive", atLeast(500));
    await stack.supervisor.kill("node-1", "SIGKILL");
    await rm(join(stack.directory, "node-1"), { recursive: true });
    await stack.supervisor.restart("node-1");
    const before = source.yielded;
    await eventually(
      "samples of afterwards arrive",
      async () => ((await storedValues()).includes(before + 100) ? true : undefined),
      90_000,
    );
    const values = await storedValues();
    expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b));
  });
});

/** What the agent does where a container engine fails. */
import { create } from "@bufbuild/protobuf";
import { ContainerDriver, EdgeSpecSchema } from "@glassline/proto/node";
import { simulatedClock } from "@glassline/service/clock/testing";
import { createLogger } from "@glassline/service/logger";
import { expect, test } from "vitest";

import type { Driver, Usage } from "./driver.ts";
import { Drivers } from "./drivers.ts";
import { UsageLook } from "./usage-look.ts";

const SPEC = create(EdgeSpecSchema, {
  name: "edge-1",
  container: { driver: ContainerDriver.DOCKER },
});
const STARTED = { processId: 1, instanceId: "one", spec: SPEC };

/** An engine whose next answers are failures. */
function engine(failures: number, usage: Driver["usage"] = async () => undefined) {
  const asked: string[] = [];
  const answer = async (what: string) => {
    asked.push(what);
    if (failures-- > 0) throw new Error("the engine is away");
  };
  const driver: Driver = {
    kind: ContainerDriver.DOCKER,
    refusal: async () => undefined,
    start: async () => ({ processId: 1, containerId: "one" }),
    adopt: async () => undefined,
    stop: () => answer("stop"),
    usage,
    lastLines: async () => [],
    sweep: async (isKnown) => {
      await answer(`sweep ${isKnown("edge-1")}`);
      return [];
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const clock = simulatedClock();
  const drivers = new Drivers([driver], { clock, logger: createLogger("test", "silent") });
  return { drivers, clock, asked };
}

test("what cannot be stopped is tried again, and then left to a sweep", async () => {
  const short = engine(2);
  const stopped = short.drivers.stop(STARTED, 100);
  await short.clock.advance(10_000);
  await stopped;
  expect(short.asked).toEqual(["stop", "stop", "stop"]);
  const long = engine(99);
  const left = long.drivers.stop(STARTED, 100);
  await long.clock.advance(10_000);
  await left;
  expect(long.asked).toHaveLength(5);
});

test("containers are looked through now and then, also after that failed", async () => {
  const { drivers, clock, asked } = engine(1);
  await drivers.sweep(() => true);
  await drivers.sweep(() => true);
  expect(asked).toEqual(["sweep true"]);
  await clock.advance(31_000);
  await drivers.sweep(() => false);
  expect(asked).toEqual(["sweep true", "sweep false"]);
});

test("an edge waits for a driver that the machine has not", async () => {
  const { drivers } = engine(0);
  await drivers.probe();
  expect(drivers.usable).toEqual([ContainerDriver.DOCKER]);
  expect(drivers.lacks(SPEC)).toBe("");
  const other = create(EdgeSpecSchema, { container: { driver: ContainerDriver.RUNC } });
  expect(drivers.lacks(other)).toBe("driver RUNC: expected DOCKER");
});

test("what an edge has used is told when the answer is there, and of no other run", async () => {
  const answers: ((usage: Usage) => void)[] = [];
  const { drivers, clock } = engine(0, () => new Promise((resolve) => answers.push(resolve)));
  const usage = new UsageLook({ drivers, clock });
  const answered = async (memoryBytes: number) => {
    answers.shift()!({ memoryBytes, cpuMs: 1 });
    await new Promise<void>((resolve) => setImmediate(resolve));
    return usage.state;
  };
  usage.look(STARTED);
  usage.look(STARTED);
  expect(answers).toHaveLength(1);
  expect(usage.state).toEqual({ memoryBytes: 0n, cpuMs: 0n });
  expect(await answered(7)).toEqual({ memoryBytes: 7n, cpuMs: 1n });
  await clock.advance(6_000);
  usage.look(STARTED);
  usage.reset();
  expect(await answered(8)).toEqual({ memoryBytes: 0n, cpuMs: 0n });
});

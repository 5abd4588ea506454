/**
 * A gateway's uplink through load balancers of layer 7, set up as in deploy/load-balancer but with idle timeouts of 3 s: what
 * the camera sent is stored, whatever happens in mid-stream.
 */
import { setTimeout as delay } from "node:timers/promises";

import { describe, expect } from "vitest";

import type { BalancedStack, CollectorName } from "./testing/balanced-stack.ts";
import { COLLECTORS, startBalanced } from "./testing/balanced-stack.ts";
import { startHaproxy, startNginx } from "./testing/balancers.ts";
import { testWith } from "./testing/requirements.ts";
import { countingSource } from "./testing/sources.ts";
import { eventually } from "./testing/testbed.ts";

const CAMERA = "cam-counted";
const PACE = { perReport: 20, intervalMs: 5 };
/** Of the balancers, in these tests; after a reload old streams stay as long. */
const IDLE_TIMEOUT_MS = 3_000;

const balancers = [
  { name: "nginx", start: startNginx },
  { name: "haproxy", start: startHaproxy },
] as const;

interface Stored {
  byCollector: Record<CollectorName, number[]>;
  /** Without repetition, in order. */
  all: number[];
  /** At both collectors. */
  twice: number[];
}

async function storedIn(stack: BalancedStack): Promise<Stored> {
  const [first, second] = (await Promise.all(
    COLLECTORS.map((name) => stack.stored(name, CAMERA)),
  )) as [number[], number[]];
  const inFirst = new Set(first);
  return {
    byCollector: { "collector-1": first, "collector-2": second },
    all: [...new Set([...first, ...second])].toSorted((a, b) => a - b),
    twice: second.filter((value) => inFirst.has(value)),
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

const atLeast = (stack: BalancedStack, count: number) =>
  eventually(
    `${count} samples are stored`,
    async () => (await storedIn(stack)).all.length >= count || undefined,
  );

/** Lets samples flow, does something, lets more flow. @returns what is stored then; each collector has it once and in order. */
async function flowing(
  stack: BalancedStack,
  terrible: (inUse: CollectorName) => Promise<void>,
): Promise<Stored & { yielded: number }> {
  const source = countingSource(CAMERA, PACE);
  await using _agent = await stack.attach([source]);
  await atLeast(stack, 500);
  const { byCollector } = await storedIn(stack);
  await terrible(byCollector["collector-1"].length > 0 ? "collector-1" : "collector-2");
  await atLeast(stack, source.yielded);
  source.finish();
  await atLeast(stack, source.yielded);
  const stored = await storedIn(stack);
  expect(stored.all).toEqual(upTo(source.yielded));
  for (const values of Object.values(stored.byCollector))
    expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b));
  return { ...stored, yielded: source.yielded };
}

describe.each(balancers)("behind $name", { timeout: 120_000 }, ({ name, start }) => {
  const test = testWith(name);

  test("a reload cuts the stream: nothing is lost, nothing stored twice", async () => {
    await using stack = await startBalanced(start);
    const { twice } = await flowing(stack, async () => {
      const opened = await stack.streamsOpened();
      stack.balancer.reload();
      await eventually(
        "the stream was cut and another one opened",
        async () => (await stack.streamsOpened()) > opened || undefined,
      );
      await delay(IDLE_TIMEOUT_MS * 1.5);
    });
    expect(twice).toEqual([]);
  });

  test("an idle stream stays open by its heartbeats", async () => {
    await using stack = await startBalanced(start);
    const source = countingSource(CAMERA, PACE);
    await using _agent = await stack.attach([source]);
    await atLeast(stack, 500);
    source.finish();
    await atLeast(stack, source.yielded);
    const opened = await stack.streamsOpened();
    await delay(IDLE_TIMEOUT_MS * 2.5);
    expect(await stack.streamsOpened()).toBe(opened);
  });

  test("the collector in use is killed: the other one goes on, and what both have was not acknowledged", async ({
    annotate,
  }) => {
    await using stack = await startBalanced(start);
    const { twice, byCollector } = await flowing(stack, async (inUse) => {
      await stack.supervisor.kill(inUse, "SIGKILL");
      const other = COLLECTORS.find((one) => one !== inUse)!;
      await eventually(
        "the other collector stores",
        async () => (await stack.stored(other, CAMERA)).length > 0 || undefined,
      );
      await stack.supervisor.restart(inUse);
    });
    // The other collector cannot know what the killed one had made durable and not acknowledged yet: those are its first.
    const both = COLLECTORS.map((one) => byCollector[one]);
    const later = both.toSorted((a, b) => a[0]! - b[0]!)[1]!;
    expect(later.slice(0, twice.length)).toEqual(twice);
    await annotate(`${twice.length} of ${later.at(-1)} samples are at both collectors`);
  });
});

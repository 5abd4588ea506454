/** What is started again, on real processes: a collector that OpsBot restarts, and a service that ends by itself. */
import { restartCollector } from "@glassline/opsbot/actions/collector-actions";
import { ControlService } from "@glassline/proto/control";
import { readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { join } from "node:path";
import { expect, test } from "vitest";

import type { ProcessStack } from "./testing/processes.ts";
import { startProcesses } from "./testing/processes.ts";
import { countedValues, countingSource } from "./testing/sources.ts";
import { eventually } from "./testing/testbed.ts";

const CAMERA = "cam-counted";

const storedValues = ({ query }: ProcessStack) => countedValues(query, CAMERA);

const startedAt = async ({ query }: ProcessStack) => (await query.getStatus({})).startedUnixNano;

const startedAfter = (stack: ProcessStack, before: bigint) =>
  eventually(
    "the collector is started again",
    async () => ((await startedAt(stack)) > before ? true : undefined),
    90_000,
  );

test(
  "a collector that OpsBot restarts is back at once, once a key, and nothing is lost or stored twice",
  { timeout: 120_000 },
  async () => {
    // What ends by itself is left alone here: this is no such end.
    await using stack = await startProcesses({}, ["node-1", "node-2", "node-3", "collector"]);
    const pki = join(stack.directory, "pki");
    const identity = await readIdentity(pki, { role: "opsbot", instance: "opsbot" });
    const { port } = stack.plan.processes.find(({ name }) => name === "collector")!.ports[0]!;
    const endpoint = { name: "collector", host: "localhost", port };
    using client = peerClient(ControlService, endpoint, "collector", identity);
    const source = countingSource(CAMERA, { perReport: 20, intervalMs: 5 });
    await using _agent = await stack.attach([source]);
    const arrive = () => {
      const before = source.yielded;
      return eventually(
        "samples arrive",
        async () => ((await storedValues(stack)).length >= before + 200 ? true : undefined),
        90_000,
      );
    };
    await arrive();
    const before = await startedAt(stack);
    const call = { client, idempotencyKey: "incident-1:restart", fencingToken: 1n };
    expect(await restartCollector(call)).toBe("it starts anew");
    await startedAfter(stack, before);
    await arrive();
    const after = await startedAt(stack);
    expect(await restartCollector(call)).toBe("it was told to start anew before");
    await arrive();
    expect(await startedAt(stack)).toBe(after);
    source.finish();
    const expected = Array.from({ length: source.yielded }, (_, at) => at + 1);
    await eventually(
      "all samples are stored",
      async () => ((await storedValues(stack)).length >= expected.length ? true : undefined),
      90_000,
    );
    expect(await storedValues(stack)).toEqual(expected);
  },
);

test.each(["SIGKILL", "SIGTERM"] as const)(
  "a service that ends by itself (%s) is started again after a pause",
  { timeout: 60_000 },
  async (signal) => {
    await using stack = await startProcesses({}, ["collector"], true);
    const before = await startedAt(stack);
    await stack.supervisor.kill("collector", signal);
    await startedAfter(stack, before);
  },
);

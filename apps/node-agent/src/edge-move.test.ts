/** An edge that another machine shall have: it drains where it was. */
import { freePorts } from "@glassline/bench/ports";
import type { EdgeState } from "@glassline/proto/node";
import { EdgePhase } from "@glassline/proto/node";
import { every, systemClock } from "@glassline/service/clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { edgeSpec, isAlive, isGone, makePki, startAgent } from "./agent.testing.ts";

let pki: Awaited<ReturnType<typeof makePki>>;

beforeAll(async () => {
  pki = await makePki();
});
afterAll(() => pki[Symbol.asyncDispose]());

const isReady = ({ phase }: EdgeState) => phase === EdgePhase.READY;

/** Whether anybody answers a viewer. */
const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/live/none.m3u8`).then(
    async (response) => {
      await response.arrayBuffer();
      return true;
    },
    () => false,
  );

describe("an edge that moves", { timeout: 90_000 }, () => {
  test("between the machines of one agent is started anew there", async () => {
    await using agent = await startAgent(1, pki.directory, "--machine=machine-2");
    const ports = await freePorts(6);
    const wish = (spec: ReturnType<typeof edgeSpec>) =>
      agent.client.setDesiredState({ fencingToken: 1n, edges: [spec] });
    await wish(edgeSpec(1, ports));
    const before = await agent.edge("edge-1", isReady);
    await wish(edgeSpec(1, ports.slice(3), { machine: "machine-2" }));
    const after = await agent.edge(
      "edge-1",
      (state) => isReady(state) && state.processId !== before.processId,
    );
    expect(after).toMatchObject({ machine: "machine-2", unexpectedEnds: 0 });
    expect(isAlive(before.processId)).toBe(false);
    expect((await agent.status()).edges).toHaveLength(1);
  });

  test("between two agents leaves no moment without it, when it is stopped after it is ready elsewhere", async () => {
    await using old = await startAgent(1, pki.directory, "--edge-drain=2s");
    await using next = await startAgent(2, pki.directory);
    const ports = await freePorts(6);
    await old.client.setDesiredState({ fencingToken: 1n, edges: [edgeSpec(1, ports)] });
    const before = await old.edge("edge-1", isReady);

    const stop = new AbortController();
    const [silences, asked] = [[] as number[], [] as boolean[][]];
    const viewer = every(systemClock, 20, stop.signal, async () => {
      const both = await Promise.all([answers(ports[0]!), answers(ports[3]!)]);
      asked.push(both);
      if (!both.includes(true)) silences.push(asked.length);
    });
    await next.client.setDesiredState({
      fencingToken: 1n,
      edges: [edgeSpec(1, ports.slice(3), { machine: "machine-2" })],
    });
    const after = await next.edge("edge-1", isReady);
    expect(await old.edge("edge-1", isReady)).toMatchObject({ processId: before.processId });
    await old.client.setDesiredState({ fencingToken: 1n });
    await old.edge("edge-1", ({ phase }) => phase === EdgePhase.STOPPING);
    // It drains: it is told to stop and still answers.
    expect(await answers(ports[0]!)).toBe(true);
    await isGone(before.processId);
    await expect.poll(async () => (await old.status()).edges).toEqual([]);
    await expect.poll(() => asked.at(-1)).toEqual([false, true]);
    stop.abort();
    await viewer;
    expect(silences).toEqual([]);
    expect(asked.at(0)).toEqual([true, false]);
    expect(after).toMatchObject({ machine: "machine-2", unexpectedEnds: 0 });
    expect(await next.edge("edge-1", isReady)).toMatchObject({ processId: after.processId });
  });
});

/** Agents with segments of the kernel: each works in the network namespace of its machine. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { freePorts } from "@glassline/bench/ports";
import type { EdgeState, SegmentState } from "@glassline/proto/node";
import { EdgePhase, SegmentPhase } from "@glassline/proto/node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { AgentProcess } from "./agent.testing.ts";
import { edgeSpec, isGone, makePki, startAgent } from "./agent.testing.ts";
import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { describeWithNamespaces, startUnderlay } from "@glassline/bench/namespaces/testing";
import { segmentOf } from "./drivers/segment.testing.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

let pki: Awaited<ReturnType<typeof makePki>>;

beforeAll(async () => {
  pki = await makePki();
});
afterAll(() => pki[Symbol.asyncDispose]());

const isUp = ({ phase }: SegmentState) => phase === SegmentPhase.UP;
const isReady = ({ phase }: EdgeState) => phase === EdgePhase.READY;

describeWithNamespaces()("agents with segments", { timeout: 120_000 }, () => {
  let underlay: Underlay;
  let agents: AgentProcess[];

  beforeEach(async () => {
    underlay = await startUnderlay(3);
    agents = [];
  });
  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
    await underlay[Symbol.asyncDispose]();
  });

  async function agentOf(number: number, ...words: string[]) {
    const { namespace } = underlay.machines[number - 1]!;
    const namespaceWord = `--segment-netns=${namespace}`;
    const agent = await startAgent(
      number,
      pki.directory,
      "--segments=linux",
      namespaceWord,
      ...words,
    );
    agents.push(agent);
    return agent;
  }

  const linksOf = async (machine: Machine) =>
    [...(await machine.ip("-brief link")).matchAll(/^(glx?\d+)/gm)]
      .map(([, name]) => name!)
      .toSorted((first, second) => first.localeCompare(second));

  test("make an overlay of three machines, mend it, and outlive SIGKILL with it", async () => {
    const { machines } = underlay;
    const [one, two, three] = machines as [Machine, Machine, Machine];
    for (const [at, machine] of machines.entries()) {
      const agent = await agentOf(at + 1);
      const segments = [segmentOf(machine, machines)];
      await agent.client.setDesiredState({ fencingToken: 5n, segments });
      expect(await agent.segment("overlay-a", isUp)).toMatchObject({
        mtu: 1_450,
        interface: "gl70000",
        problem: "",
        peersOnly: true,
      });
    }
    const [first] = agents as [AgentProcess];
    expect(await one.reaches("10.77.0.2")).toBe(true);
    expect(await three.reaches("10.77.0.2")).toBe(true);

    // What somebody deletes comes back by itself.
    const [before] = await indexes(one);
    await one.ip("link delete gl70000");
    await expect.poll(() => indexes(one), { timeout: 30_000 }).toHaveLength(2);
    expect(await indexes(one)).not.toContain(before);
    await first.segment("overlay-a", isUp);
    expect(await two.reaches("10.77.0.3")).toBe(true);

    // The overlay does not need the agent, and the next life takes it over.
    const made = await indexes(one);
    await first.end("SIGKILL");
    expect(await one.reaches("10.77.0.2")).toBe(true);
    await first.start();
    await first.segment("overlay-a", isUp);
    expect(await indexes(one)).toEqual(made);
    await expect(first.client.setDesiredState({ fencingToken: 4n })).rejects.toMatchObject({
      code: "failed_precondition",
    });
    expect(await indexes(one)).toEqual(made);

    // What is wished no more goes, and with the agent all.
    await first.client.setDesiredState({ fencingToken: 6n });
    await expect.poll(() => linksOf(one), { timeout: 30_000 }).toEqual([]);
    await expect.poll(async () => (await first.status()).segments).toEqual([]);
    await Promise.all(agents.map((agent) => agent.end("SIGTERM")));
    for (const machine of machines) expect(await linksOf(machine)).toEqual([]);
  });

  test("start an edge when its segment is up, and move it to another one when that is up", async () => {
    const machine = underlay.machines[0]!;
    const agent = await agentOf(1);
    const ports = await freePorts(3);
    const [a, b] = [
      segmentOf(machine, underlay.machines),
      segmentOf(machine, underlay.machines, { name: "overlay-b", vni: 70_001, subnet: 78 }),
    ];
    // Somebody else's interfaces are in the way of both.
    await machine.ip("link add gl70000 type bridge");
    await machine.ip("link add gl70001 type bridge");
    const wish = (fencingToken: bigint, segment: typeof a) =>
      agent.client.setDesiredState({
        fencingToken,
        segments: [segment],
        edges: [edgeSpec(1, ports, { segment: segment.name })],
      });
    await wish(1n, a);
    expect(
      await agent.segment("overlay-a", ({ phase }) => phase === SegmentPhase.FAILED),
    ).toMatchObject({
      problem: expect.stringContaining("gl70000 that somebody else made") as string,
    });
    expect(await agent.edge("edge-1", () => true)).toMatchObject({
      phase: EdgePhase.WAITING,
      waitsFor: "segment overlay-a",
      processId: 0,
    });
    await machine.ip("link delete gl70000");
    const before = await agent.edge("edge-1", isReady);
    expect(before).toMatchObject({ waitsFor: "" });

    await wish(1n, b);
    await agent.segment("overlay-b", ({ phase }) => phase === SegmentPhase.FAILED);
    expect(await agent.edge("edge-1", ({ waitsFor }) => waitsFor !== "")).toMatchObject({
      phase: EdgePhase.READY,
      waitsFor: "segment overlay-b",
      processId: before.processId,
    });
    await agent.segment("overlay-a", ({ phase }) => phase === SegmentPhase.STOPPING);
    // Also another life of the agent leaves it to the edge that uses it.
    await agent.end("SIGKILL");
    await agent.start();
    await agent.segment("overlay-a", ({ phase }) => phase === SegmentPhase.STOPPING);
    expect(await linksOf(machine)).toEqual(["gl70000", "gl70001", "glx70000"]);

    await machine.ip("link delete gl70001");
    await agent.edge("edge-1", (state) => isReady(state) && state.processId !== before.processId);
    await isGone(before.processId);
    await expect.poll(() => linksOf(machine), { timeout: 30_000 }).toEqual(["gl70001", "glx70001"]);
    await expect
      .poll(async () => (await agent.status()).segments)
      .toMatchObject([{ segment: { name: "overlay-b" }, phase: SegmentPhase.UP }]);
  });

  test("tell which tunnels others have made, also before they make any", async () => {
    const machine = underlay.machines[0]!;
    await machine.ip("link add vx9 type vxlan id 9 dstport 4789");
    const agent = await agentOf(1);
    const found = [{ machine: "machine-1", vni: 9, interface: "vx9" }];
    const told = async () => (await agent.status()).foreignTunnels;
    await expect.poll(told, { timeout: 30_000 }).toMatchObject(found);
    const segments = [segmentOf(machine, underlay.machines)];
    await agent.client.setDesiredState({ fencingToken: 1n, segments });
    await agent.segment("overlay-a", isUp);
    expect(await told()).toMatchObject(found);
    await machine.ip("link delete vx9");
    await expect.poll(told, { timeout: 30_000 }).toEqual([]);
  });

  test("leave both when they are told to", async () => {
    const machine = underlay.machines[0]!;
    const agent = await agentOf(1, "--leave-edges");
    const segments = [segmentOf(machine, underlay.machines)];
    await agent.client.setDesiredState({ fencingToken: 1n, segments });
    await agent.segment("overlay-a", isUp);
    await agent.end("SIGTERM");
    expect(await linksOf(machine)).toHaveLength(2);
  });

  test("say what they lack", async () => {
    const words = [`--pki-dir=${pki.directory}`, "--name=agent-1", "--segments=linux"];
    const child: ChildProcess = spawn(
      "setpriv",
      ["--bounding-set=-net_admin", process.execPath, MAIN, ...words],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const [said, , [code]] = await Promise.all([
      text(child.stderr!),
      text(child.stdout!),
      once(child, "exit") as Promise<[number]>,
    ]);
    expect(said).toContain(
      "--segments linux: got no CAP_NET_ADMIN, expected root or that capability",
    );
    expect(code).not.toBe(0);
  });

  async function indexes(machine: Machine): Promise<number[]> {
    const links = JSON.parse(await machine.ip("-json link")) as {
      ifname: string;
      ifindex: number;
    }[];
    return links
      .filter(({ ifname }) => /^glx?\d/.test(ifname))
      .map(({ ifindex }) => ifindex)
      .toSorted((first, second) => first - second);
  }
});

describe("an agent without segments", { timeout: 60_000 }, () => {
  test("refuses a wish with segments, and does the others", async () => {
    await using agent = await startAgent(1, pki.directory, "--segments=none");
    const segments = [
      { name: "overlay-a", machine: "machine-1", vni: 70_000, address: "10.77.0.1/24" },
    ];
    await expect(
      agent.client.setDesiredState({ fencingToken: 2n, segments }),
    ).rejects.toMatchObject({
      code: "failed_precondition",
      message: "segments: got 1, expected none: this agent runs with --segments none",
    });
    expect((await agent.status()).fencingToken).toBe(0n);
    expect(await agent.client.setDesiredState({ fencingToken: 2n })).toMatchObject({
      changed: false,
    });
  });
});

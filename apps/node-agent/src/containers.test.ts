/** Edges in real containers: what holds for all drivers. */
import { existsSync } from "node:fs";
import { readFile, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";

import { freePorts } from "@glassline/bench/ports";
import type { EdgeState } from "@glassline/proto/node";
import { ContainerDriver, EdgePhase } from "@glassline/proto/node";
import { afterAll, beforeAll, expect, test } from "vitest";

import { driverName } from "./core/driver-kind.ts";
import type { AgentProcess } from "./agent.testing.ts";
import { edgeSpec, isAlive, isGone, makePki, startAgent } from "./agent.testing.ts";
import type { Dockerd } from "./drivers/container-engines.testing.ts";
import {
  archiveOf,
  describeWith,
  makeRootFolder,
  startDockerd,
} from "./drivers/container-engines.testing.ts";
import { LABELS } from "./drivers/container-process.ts";
import { output } from "./drivers/programs.ts";

const MEMORY_MAX_BYTES = 268_435_456n;
/** Little, and enough for the start of a Node. */
const LITTLE_MEMORY_BYTES = 134_217_728n;
/** Says that it is ready; asked for "/eat", it takes more memory than it may. */
const GREEDY = `
import { createServer } from "node:http";
const [, port] = process.argv.join(" ").match(/--admin-port=(\\d+)/);
const eaten: Buffer[] = [];
createServer(({ url }, response) => {
  if (url !== "/eat") return response.end();
  for (;;) eaten.push(Buffer.alloc(1_048_576, 1));
}).listen(Number(port), "127.0.0.1");
`;

let pki: Awaited<ReturnType<typeof makePki>>;
let dockerd: Dockerd | undefined;

beforeAll(async () => {
  pki = await makePki();
});
afterAll(async () => {
  await dockerd?.[Symbol.asyncDispose]();
  await pki?.[Symbol.asyncDispose]();
});

const isReady = ({ phase }: EdgeState) => phase === EdgePhase.READY;

interface Engine {
  driver: ContainerDriver;
  programs: readonly string[];
  missingImage: string;
  /** Makes an image of a root file system. @returns how wishes name it. */
  imageOf: (folder: string) => Promise<string>;
  /** More words for the agent. */
  words: () => Promise<string[]>;
  /** Ids of containers of an edge that there are, also of those that do not run. */
  containers: (agent: AgentProcess, edge: string) => Promise<string[]>;
}

const RUNC: Engine = {
  driver: ContainerDriver.RUNC,
  programs: ["runc"],
  missingImage: "/nowhere/to-be-found",
  imageOf: async (folder) => folder,
  words: async () => [],
  containers: async ({ dataDir }, edge) => {
    if (!existsSync(join(dataDir, "runc"))) return [];
    const text = await output("runc", ["--root", join(dataDir, "runc"), "list", "--format=json"]);
    const all = (JSON.parse(text) ?? []) as { id: string; annotations: Record<string, string> }[];
    return all.filter((one) => one.annotations[LABELS.edge] === edge).map(({ id }) => id);
  },
};
const DOCKER: Engine = {
  driver: ContainerDriver.DOCKER,
  programs: ["dockerd"],
  missingImage: "nowhere/to-be-found",
  imageOf: async (folder) => {
    const changes = [
      "WORKDIR /app",
      'ENTRYPOINT ["/usr/local/bin/node","apps/edge-cache/src/main.ts"]',
    ];
    await dockerd!.api.importImage("glassline/test:1", await archiveOf(folder), changes);
    return "glassline/test:1";
  },
  words: async () => [`--docker-socket=${(dockerd ??= await startDockerd()).socket}`],
  containers: async (_agent, edge) =>
    (await dockerd!.api.list(`${LABELS.edge}=${edge}`)).map(({ Id }) => Id),
};

for (const engine of [RUNC, DOCKER]) {
  const { driver } = engine;
  const name = driverName(driver);

  describeWith(...engine.programs)(`edges by ${name}`, { timeout: 180_000 }, () => {
    async function start() {
      const agent = await startAgent(1, pki.directory, ...(await engine.words()));
      const ports = await freePorts(3);
      const wish = (container: object = {}, more: object = {}) =>
        agent.client.setDesiredState({
          fencingToken: 1n,
          edges: [edgeSpec(1, ports, { container: { driver, ...container }, ...more })],
        });
      return { agent, ports, wish, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
    }

    test("serve viewers, tell what they use and what they wrote, and leave nothing behind", async () => {
      await using all = await start();
      const { agent } = all;
      await all.wish();
      // What is told was seen a moment ago, perhaps when it had hardly begun.
      const state = await agent.edge(
        "edge-1",
        (one) => isReady(one) && one.memoryBytes > 10_000_000n,
      );
      expect(state.containerId).not.toBe("");
      expect(state.cpuMs).toBeGreaterThan(0n);
      const answer = await fetch(`http://127.0.0.1:${all.ports[0]}/live/none.m3u8`);
      expect(answer.status).toBe(502);
      await answer.arrayBuffer();
      const { machineStates } = await agent.status();
      expect(machineStates[0]).toMatchObject({ name: "machine-1" });
      expect(machineStates[0]!.drivers).toEqual(
        expect.arrayContaining([ContainerDriver.PROCESS, driver]),
      );
      await agent.client.setDesiredState({ fencingToken: 1n });
      await isGone(state.processId);
      await expect.poll(async () => (await agent.status()).edges, { timeout: 30_000 }).toEqual([]);
      expect(await engine.containers(agent, "edge-1")).toEqual([]);
      const bundles = join(agent.dataDir, "bundles");
      expect(existsSync(bundles) ? await readdir(bundles) : []).toEqual([]);
    });

    test("are kept apart from the machine", async () => {
      await using all = await start();
      await all.wish();
      const { processId } = await all.agent.edge("edge-1", isReady);
      const status = await readFile(`/proc/${processId}/status`, "utf8");
      expect(status).toMatch(/^CapEff:\s*0+$/m);
      expect(status).toMatch(/^CapBnd:\s*0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
      const own = (kind: string) => readlink(`/proc/self/ns/${kind}`);
      const its = (kind: string) => readlink(`/proc/${processId}/ns/${kind}`);
      for (const kind of ["mnt", "pid", "ipc", "uts"])
        expect(await its(kind)).not.toBe(await own(kind));
      expect(await its("net")).toBe(await own("net"));
      const mounts = await readFile(`/proc/${processId}/mounts`, "utf8");
      expect(mounts).toMatch(/^\S+ \/ \S+ ro[,\s]/m);
      // The key of the authority and those of others are not there; its own is.
      const inside = (path: string) => existsSync(`/proc/${processId}/root${path}`);
      expect(inside(join(pki.directory, "edge-cache.edge-1.key"))).toBe(true);
      expect(inside(join(pki.directory, "ca.key"))).toBe(false);
      expect(inside(join(pki.directory, "edge-cache.edge-2.key"))).toBe(false);
      expect(inside("/root")).toBe(false);
    });

    test("outlive the agent, which takes them over; what ended meanwhile is started again", async () => {
      await using all = await start();
      const { agent } = all;
      await all.wish();
      const before = await agent.edge("edge-1", isReady);
      await agent.end("SIGKILL");
      expect(isAlive(before.processId)).toBe(true);
      await agent.start();
      const adopted = await agent.edge("edge-1", isReady);
      expect(adopted).toMatchObject({
        processId: before.processId,
        containerId: before.containerId,
        unexpectedEnds: 0,
      });
      await agent.end("SIGKILL");
      process.kill(before.processId, "SIGKILL");
      await isGone(before.processId);
      await agent.start();
      const again = await agent.edge("edge-1", isReady);
      expect(again).toMatchObject({
        unexpectedEnds: 1,
        lastEnd: "it ended while the agent was away",
      });
      await expect.poll(() => engine.containers(agent, "edge-1")).toHaveLength(1);
      process.kill(again.processId, "SIGKILL");
      const third = await agent.edge(
        "edge-1",
        (state) => isReady(state) && state.processId !== again.processId,
      );
      expect(third.unexpectedEnds).toBe(2);
      await expect.poll(() => engine.containers(agent, "edge-1")).toHaveLength(1);
    });

    test("are removed when the agent that forgot them starts", async () => {
      await using all = await start();
      const { agent } = all;
      await all.wish();
      const { processId } = await agent.edge("edge-1", isReady);
      await agent.end("SIGKILL");
      await agent.forget();
      await agent.start();
      await isGone(processId);
      await expect.poll(() => engine.containers(agent, "edge-1")).toEqual([]);
    });

    test("have the limits that they were given", async () => {
      await using all = await start();
      const { agent } = all;
      await all.wish({ memoryMaxBytes: MEMORY_MAX_BYTES, tasksMax: 64, cpuMillis: 1_500 });
      const { processId } = await agent.edge("edge-1", isReady);
      const groups = await readFile(`/proc/${processId}/cgroup`, "utf8");
      const limitIn = async (controller: string, ...files: string[]) => {
        const path = new RegExp(`^\\d+:(?:[^:]*\\b${controller}\\b[^:]*|):(.*)$`, "m").exec(
          groups,
        )![1];
        const folders = [`/sys/fs/cgroup/${controller}${path}`, `/sys/fs/cgroup${path}`];
        const found = folders
          .flatMap((folder) => files.map((file) => `${folder}/${file}`))
          .find((file) => existsSync(file))!;
        return (await readFile(found, "utf8")).trim();
      };
      expect(await limitIn("memory", "memory.max", "memory.limit_in_bytes")).toBe(
        String(MEMORY_MAX_BYTES),
      );
      expect(await limitIn("pids", "pids.max")).toBe("64");
    });

    test("run what is in their image, and are said to have had no memory left", async () => {
      await using all = await start();
      await using root = await makeRootFolder(GREEDY);
      const image = await engine.imageOf(root.folder);
      await all.wish({ image, memoryMaxBytes: LITTLE_MEMORY_BYTES });
      const before = await all.agent.edge("edge-1", isReady);
      await expect(fetch(`http://127.0.0.1:${all.ports[2]}/eat`)).rejects.toThrow();
      const after = await all.agent.edge(
        "edge-1",
        (state) => isReady(state) && state.processId !== before.processId,
      );
      expect(after).toMatchObject({
        unexpectedEnds: 1,
        lastEnd: "it had no memory left (memory_max_bytes)",
      });
    });

    test("whose image is not there are not started, and the state says why", async () => {
      await using all = await start();
      await all.wish({ image: engine.missingImage });
      const failed = await all.agent.edge("edge-1", ({ unexpectedEnds }) => unexpectedEnds > 0);
      expect(failed.lastEnd).toMatch(/image: got .*nowhere\/to-be-found, expected/);
    });
  });
}

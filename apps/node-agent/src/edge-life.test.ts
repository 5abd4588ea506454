/** What edges are given, how they are replaced and given up, and what they wrote: real edges of a real agent. */
import { createServer } from "node:http";
import { existsSync } from "node:fs";
import { readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";
import { generateKeyPairSync } from "node:crypto";

import { freePorts } from "@glassline/bench/ports";
import type { EdgeState } from "@glassline/proto/node";
import { EdgePhase, NodeAgentService } from "@glassline/proto/node";
import { createClient } from "@glassline/proto/rpc";
import { every, systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { edgeSpec, isAlive, makePki, startAgent } from "./agent.testing.ts";

let pki: Awaited<ReturnType<typeof makePki>>;

beforeAll(async () => {
  pki = await makePki();
});
afterAll(() => pki[Symbol.asyncDispose]());

const isReady = ({ phase }: EdgeState) => phase === EdgePhase.READY;
const onMachine = { machine: "machine-1" };

describe("edges of an agent", { timeout: 120_000 }, () => {
  test("of one channel are replaced one after another; what does not become ready stops the roll", async () => {
    await using agent = await startAgent(1, pki.directory);
    const ports = await freePorts(9);
    const numbers = [1, 2, 3] as const;
    const specOf = (number: number, more: object) =>
      edgeSpec(number, ports.slice(3 * number - 3), { ...onMachine, channel: "news", ...more });
    const wish = (more: (number: number) => object) =>
      agent.client.setDesiredState({
        fencingToken: 1n,
        edges: numbers.map((number) => specOf(number, more(number))),
      });
    await wish(() => ({}));
    for (const number of numbers) await agent.edge(`edge-${number}`, isReady);

    const stop = new AbortController();
    const silences: number[] = [];
    const viewer = every(systemClock, 20, stop.signal, async () => {
      const asked = numbers.map(async (number) => {
        const answer = await fetch(`http://127.0.0.1:${ports[3 * number - 3]}/live/none.m3u8`);
        await answer.arrayBuffer();
      });
      const failed = (await Promise.allSettled(asked)).filter(
        ({ status }) => status === "rejected",
      );
      silences.push(failed.length);
    });
    await wish(() => ({ generation: 2n }));
    for (const number of numbers)
      await agent.edge(`edge-${number}`, (state) => isReady(state) && state.generation === 2n);
    stop.abort();
    await viewer;
    expect(silences).toContain(1);
    expect(Math.max(...silences)).toBe(1);

    // The first cannot listen any more: the others stay as they are.
    await using taken = await listen();
    const before = (await agent.status()).edges.map(({ processId }) => processId);
    await wish((number) => ({
      generation: 3n,
      ...(number === 1 && { port: taken.port, publicUrl: `http://localhost:${taken.port}` }),
    }));
    await agent.edge("edge-1", ({ unexpectedEnds }) => unexpectedEnds > 0);
    const held = await agent.edge("edge-2", ({ waitsFor }) => waitsFor !== "");
    expect(held).toMatchObject({
      phase: EdgePhase.READY,
      generation: 2n,
      waitsFor: "edge edge-1: it is not ready yet",
    });
    expect(before.slice(1).every(isAlive)).toBe(true);
    await wish(() => ({ generation: 4n }));
    for (const number of numbers)
      await agent.edge(`edge-${number}`, (state) => isReady(state) && state.generation === 4n);
  });

  test("are given up after so many ends, until they are wished otherwise", async () => {
    await using agent = await startAgent(1, pki.directory);
    const ports = await freePorts(3);
    await using taken = await listen();
    const restart = { pauseMs: 50, pauseMaxMs: 100, attemptsMax: 3 };
    const wish = (port: number, generation: bigint) =>
      agent.client.setDesiredState({
        fencingToken: 1n,
        edges: [edgeSpec(1, [port, ...ports.slice(1)], { restart, generation })],
      });
    await wish(taken.port, 1n);
    const left = await agent.edge("edge-1", ({ givenUp }) => givenUp);
    expect(left).toMatchObject({
      unexpectedEnds: 3,
      phase: EdgePhase.WAITING,
      nextStartUnixNano: 0n,
    });
    await wish(taken.port, 2n);
    expect(await agent.edge("edge-1", (state) => state.unexpectedEnds > 3)).toBeDefined();
    await agent.edge("edge-1", ({ givenUp, unexpectedEnds }) => givenUp && unexpectedEnds === 6);
    await wish(ports[0]!, 2n);
    expect(await agent.edge("edge-1", isReady)).toMatchObject({ givenUp: false });
  });

  test("leave nothing behind when they are not wished any more: no keys, no log, no certificate", async () => {
    await using agent = await startAgent(1, pki.directory);
    const ports = await freePorts(3);
    const edges = [edgeSpec(1, ports, { name: "edge-left" })];
    await agent.client.setDesiredState({ fencingToken: 1n, edges });
    await agent.edge("edge-left", isReady);
    const files = async () => {
      const all = [pki.directory, agent.dataDir].map((folder) =>
        readdir(folder, { recursive: true }),
      );
      return (await Promise.all(all)).flat().filter((path) => path.includes("edge-left"));
    };
    expect(await files()).toEqual(
      expect.arrayContaining([
        "edge-cache.edge-left.key",
        "edges/edge-left/token-keys.json",
        "logs/edge-left.log",
      ]),
    );
    await agent.client.setDesiredState({ fencingToken: 1n });
    await expect.poll(files, { timeout: 30_000 }).toEqual([]);
    // Of one that is wished again all is made again.
    await agent.client.setDesiredState({ fencingToken: 1n, edges });
    await agent.edge("edge-left", isReady);
  });

  test("protect paths by the keys that they are given, in files of their own", async () => {
    await using agent = await startAgent(1, pki.directory);
    const ports = await freePorts(3);
    const { publicKey } = generateKeyPairSync("ed25519");
    const key = { ...publicKey.export({ format: "jwk" }), kid: "one", alg: "EdDSA", use: "sig" };
    const tokenKeys = JSON.stringify({ keys: [key] });
    const protectedPaths = ["/live/cam-1/"];
    await agent.client.setDesiredState({
      fencingToken: 1n,
      edges: [edgeSpec(1, ports, { protectedPaths, tokenKeys })],
    });
    const state = await agent.edge("edge-1", (one) => isReady(one) && one.memoryBytes > 0n);
    const statusOf = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${ports[0]}${path}`);
      await answer.arrayBuffer();
      return answer.status;
    };
    expect(await statusOf("/live/cam-1/index.m3u8")).toBe(401);
    expect(await statusOf("/live/cam-2/index.m3u8")).toBe(502);
    const path = join(agent.dataDir, "edges", "edge-1", "token-keys.json");
    expect(await readFile(path, "utf8")).toBe(tokenKeys);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const commandLine = await readFile(`/proc/${state.processId}/cmdline`, "utf8");
    expect(commandLine).toContain("--revocations=");
    expect(state.cpuMs).toBeGreaterThan(0n);
    // Other keys alone are taken by the edge that runs.
    const otherKeys = JSON.stringify({ keys: [{ ...key, kid: "two" }] });
    const edges = [edgeSpec(1, ports, { protectedPaths, tokenKeys: otherKeys })];
    await agent.client.setDesiredState({ fencingToken: 1n, edges });
    const after = await agent.edge("edge-1", ({ spec }) => spec?.tokenKeys === otherKeys);
    expect(after.processId).toBe(state.processId);
    await expect.poll(() => readFile(path, "utf8")).toBe(otherKeys);
  });

  test("get a certificate where the agent can make one, else the state says that it is missing", async () => {
    await using own = await makePki();
    await using agent = await startAgent(1, own.directory);
    const ports = await freePorts(6);
    const edges = [edgeSpec(7, ports, onMachine)];
    await agent.client.setDesiredState({ fencingToken: 1n, edges });
    await agent.edge("edge-7", isReady);
    expect(existsSync(join(own.directory, "edge-cache.edge-7.pem"))).toBe(true);
    await rm(join(own.directory, "ca.key"));
    edges.push(edgeSpec(8, ports.slice(3), onMachine));
    await agent.client.setDesiredState({ fencingToken: 1n, edges });
    expect(await agent.edge("edge-8", ({ waitsFor }) => waitsFor !== "")).toMatchObject({
      waitsFor: "certificate of edge-cache edge-8",
      processId: 0,
    });
  });

  test("tell what they wrote last, to those who may ask", async () => {
    await ensureDevelopmentPki(pki.directory, [
      { role: "dashboard", instance: "dashboard" },
      { role: "camera", instance: "camera" },
    ]);
    await using agent = await startAgent(1, pki.directory, "--log-level=info");
    const ports = await freePorts(3);
    await agent.client.setDesiredState({ fencingToken: 1n, edges: [edgeSpec(1, ports)] });
    await agent.edge("edge-1", isReady);
    const { lines } = await agent.client.getLogs({ name: "edge-1" });
    expect(lines.join("\n")).toContain("viewers are served");
    expect((await agent.client.getLogs({ name: "edge-1", maxLines: 1 })).lines).toEqual(
      lines.slice(-1),
    );
    await expect(agent.client.getLogs({ name: "edge-9" })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining('name: got "edge-9", expected edge-1') as string,
    });
    await expect(agent.client.getLogs({ name: "edge-1", maxLines: 1_001 })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    const as = async (role: "dashboard" | "camera") => {
      const identity = await readIdentity(pki.directory, { role, instance: role });
      const credentials = mutualTlsClient(identity, "node-agent");
      return createClient(NodeAgentService, agent.address, credentials, TLS_CHANNEL_OPTIONS);
    };
    using dashboard = await as("dashboard");
    expect((await dashboard.getLogs({ name: "edge-1" })).lines.length).toBeGreaterThan(0);
    using camera = await as("camera");
    await expect(camera.getLogs({ name: "edge-1" })).rejects.toMatchObject({
      code: "permission_denied",
    });
  });

  test("behind a shield fetch from it, which nobody else may", async () => {
    await using origin = await listen((url) => `${url} of the origin`);
    await using agent = await startAgent(1, pki.directory);
    const ports = await freePorts(7);
    const clusterPort = ports[6]!;
    const originUrl = `https://localhost:${clusterPort}`;
    await agent.client.setDesiredState({
      fencingToken: 1n,
      edges: [
        edgeSpec(1, ports, {
          originUrl: `http://127.0.0.1:${origin.port}`,
          clusterPort,
          clusterHost: "127.0.0.1",
          shielded: ["edge-2"],
        }),
        edgeSpec(2, ports.slice(3), { ...onMachine, originUrl, shield: "edge-1" }),
      ],
    });
    await agent.edge("edge-1", isReady);
    await agent.edge("edge-2", isReady);
    const answer = await fetch(`http://127.0.0.1:${ports[3]}/live/a/1.m4s`);
    expect(await answer.text()).toBe("/live/a/1.m4s of the origin");
    expect(answer.headers.get("via")).toMatch(/edge-1, .*edge-2/);
  });

  test("are not started as nobody can run them", async () => {
    await using agent = await startAgent(1, pki.directory);
    const ports = await freePorts(3);
    for (const [bad, reason] of [
      [{ container: { driver: 9 } }, /container driver of edge-1/],
      [{ container: { driver: 1, cpuMillis: 500 } }, /container of edge-1/],
      [{ container: { driver: 2, image: "busybox" } }, /image of edge-1/],
      [{ container: { driver: 2, memoryMaxBytes: 1n } }, /memory_max_bytes of edge-1/],
      [{ restart: { pauseMs: 0 } }, /pause_ms of edge-1/],
      [{ host: "a b" }, /host of edge-1/],
      [{ shield: "edge-1" }, /shield of edge-1/],
      [{ shield: "edge-2", originUrl: "http://localhost:1" }, /origin_url of edge-1/],
      [{ shielded: ["edge-2"] }, /cluster_port of edge-1/],
      [{ protectedPaths: ["live"] }, /protected path of edge-1/],
      [{ protectedPaths: ["/live/"] }, /token_keys of edge-1/],
    ] as const)
      await expect(
        agent.client.setDesiredState({ fencingToken: 1n, edges: [edgeSpec(1, ports, bad)] }),
      ).rejects.toThrow(reason);
    // Of macOS; where this test runs, there is none.
    await agent.client.setDesiredState({
      fencingToken: 1n,
      edges: [edgeSpec(1, ports, { container: { driver: 4, image: "edge" } })],
    });
    const { waitsFor } = await agent.edge("edge-1", (state) => state.waitsFor !== "");
    expect(waitsFor).toMatch(/^driver APPLE: container: /);
  });
});

async function listen(answer: (url: string) => string = () => "") {
  const server = createServer(({ url = "" }, response) => response.end(answer(url)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Caches of real edges are seeded before viewers come, and validated by a load that behaves like them. */
import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { SeedDeps } from "@glassline/opsbot/caches/seed";
import { seed } from "@glassline/opsbot/caches/seed";
import type { ValidationWish } from "@glassline/opsbot/caches/validate";
import { validate } from "@glassline/opsbot/caches/validate";
import { EdgeCacheService } from "@glassline/proto/edge";
import type { Client } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import { closeHttp, listenHttp } from "@glassline/service/listen-http";
import { peerClient } from "@glassline/service/peer-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { freePort } from "@glassline/bench/ports";
import { Testbed, eventually } from "./testing/testbed.ts";

const TOKEN_MAIN = fileURLToPath(new URL("../../edge-cache/src/token-main.ts", import.meta.url));
const OPSBOT_MAIN = fileURLToPath(new URL("../../opsbot/src/command-main.ts", import.meta.url));
const EDGE_TOKEN = "a-token-of-this-test";
const PATH = "/live/cam-0001/index.m3u8";
const signal = new AbortController().signal;
/** Of a machine that does much else meanwhile. */
const SLO = { hitRate: 0.7, firstByteP99Ms: 4_000, errorShare: 0.05, stalls: 12 };

let bed: Testbed;
let originPort: number;
beforeAll(async () => {
  bed = await Testbed.open();
  originPort = (await bed.origin()).addresses.port;
});
afterAll(() => bed[Symbol.asyncDispose]());

interface TestEdge {
  name: string;
  publicUrl: string;
  client: Client<typeof EdgeCacheService>;
  stop(): Promise<void>;
}

type Words = Record<string, string | number>;

/** @param words flags. @param from the origin's port. */
async function startEdge(name: string, words: Words = {}, from = originPort): Promise<TestEdge> {
  const port = Number(words["port"] ?? (await freePort()));
  const publicUrl = `http://localhost:${port}`;
  const own = { port, "public-url": publicUrl, "admin-token": EDGE_TOKEN };
  const edge = await bed.edge(name, from, { ...own, ...words });
  const identity = await bed.identity({ role: "opsbot", instance: "opsbot" });
  const endpoint = { name, host: "localhost", port: edge.addresses.grpcPort };
  const client = peerClient(EdgeCacheService, endpoint, "edge-cache", identity);
  return { name, publicUrl, client, stop: async () => edge[Symbol.asyncDispose]() };
}

function seedDeps(edges: readonly TestEdge[], told: string[] = []): SeedDeps {
  return {
    edges: new Map(edges.map(({ name, client }) => [name, client])),
    edgeToken: EDGE_TOKEN,
    fencingToken: 1n,
    clock: systemClock,
    isHeld: async () => false,
    signal,
    told: (line) => told.push(line),
  };
}

const SEED = { paths: [PATH], popular: 10, perSecond: 50, accessLogs: [] as readonly string[] };

const wishOf = (edges: ValidationWish["edges"], more: Partial<ValidationWish> = {}) => ({
  edges: edges.map(({ name, publicUrl }) => ({ name, publicUrl })),
  path: PATH,
  players: 6,
  forMs: 8_000,
  startOverMs: 1_000,
  slo: SLO,
  ...more,
});

const run = (wish: ValidationWish) => validate(wish, { clock: systemClock, signal });

async function playable(url: string): Promise<void> {
  await eventually("the channel has segments", async () => {
    const answer = await fetch(`${url}/live/cam-0001/picture.m3u8`);
    return (await answer.text()).includes("#EXTINF") || undefined;
  });
}

describe("caches that are seeded and validated", { timeout: 120_000 }, () => {
  test("serve a load from two edges as viewers need it", async () => {
    const edges = [await startEdge("edge-1"), await startEdge("edge-2")];
    await playable(edges[0]!.publicUrl);
    const seeded = await seed(seedDeps(edges), { ...SEED, idempotencyKey: "deploy-1" });
    expect(seeded.says).toMatch(/^\d+ objects \(\d+\.\d MB\) fetched into 2 edges$/);
    for (const { priming } of seeded.edges)
      expect(priming?.objectsFetched).toBeGreaterThanOrEqual(4);
    const report = await run(wishOf(edges));
    expect(report.shortfalls).toEqual([]);
    expect(report.passed).toBe(true);
    expect(Number(report.requests)).toBeGreaterThan(6 * 6);
    expect(report.hitRate).toBeLessThanOrEqual(1);
    for (const { client } of edges) {
      const { total } = await client.getStatus({});
      expect(total!.requests["segment"]).toBeGreaterThan(5n);
      expect(total!.requests["part"]).toBeGreaterThan(5n);
    }
  });

  test("have what the access logs say is popular; the same key fetches nothing twice, also when the logs say otherwise by then", async () => {
    const edge = await startEdge("edge-1");
    await playable(edge.publicUrl);
    const log = join(bed.directory, "access.log");
    const time = new Date()
      .toUTCString()
      .replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, "$1/$2/$3:$4 +0000");
    const line = (path: string) =>
      `::1 - - [${time}] "GET ${path} HTTP/1.1" 200 9 "-" "x" "hit" "1"`;
    const asked = [
      "/live/cam-0001/picture.m3u8",
      "/live/cam-0001/7.m4s",
      "/live/no-such/index.m3u8",
    ];
    writeFileSync(log, [...asked.map(line), "nonsense"].join("\n"));
    const wish = { ...SEED, paths: [], accessLogs: [log], idempotencyKey: "deploy-2" };
    const seeded = await seed(seedDeps([edge]), wish);
    expect(seeded.paths).toEqual(["/live/cam-0001/picture.m3u8", "/live/no-such/index.m3u8"]);
    expect(seeded.says).toMatch(
      /^\d+ objects \(.*\) fetched into 1 edge; 1 could not be fetched \(\/live\/no-such\/index\.m3u8: .*404\); 3 of 4 lines of access logs count; .*access\.log:4: got "nonsense"/,
    );
    const before = await edge.client.getStatus({});
    writeFileSync(log, line("/live/cam-0001/index.m3u8"));
    const again = await seed(seedDeps([edge]), wish);
    expect(again.edges[0]!.priming).toEqual(seeded.edges[0]!.priming);
    const after = await edge.client.getStatus({});
    expect(after.actionsDone["prime"]).toBe(1n);
    expect(after.total!.originFetches).toBe(before.total!.originFetches);
  });

  test("are seeded no faster than is wished", async () => {
    const edge = await startEdge("edge-1");
    await playable(edge.publicUrl);
    const startMs = performance.now();
    const wish = { ...SEED, perSecond: 2, idempotencyKey: "deploy-3" };
    const told: string[] = [];
    const [one] = (await seed(seedDeps([edge], told), wish)).edges;
    const seconds = (performance.now() - startMs) / 1_000;
    expect(one!.priming!.objectsFetched / seconds).toBeLessThanOrEqual(3);
    expect(told[0]).toMatch(/^edge-1: \d+ of \d+ objects \(\d+\.\d MB\)$/);
  });

  test("are seeded also where the edge starts anew in the middle of it", async () => {
    const [port, grpcPort] = [await freePort(), await freePort()];
    const words = { port, "grpc-port": grpcPort };
    const edge = await startEdge("edge-1", words);
    await playable(edge.publicUrl);
    const wish = { ...SEED, perSecond: 1, idempotencyKey: "deploy-5" };
    const seeding = seed(seedDeps([edge]), wish);
    await eventually("it has begun", async () => {
      const { priming } = await edge.client.getPriming(
        { idempotencyKey: wish.idempotencyKey },
        { authorization: `Bearer ${EDGE_TOKEN}` },
      );
      return (priming?.objectsFetched ?? 0) > 0 || undefined;
    });
    await edge.stop();
    const again = await startEdge("edge-1", words);
    const { edges } = await seeding;
    expect(edges).toMatchObject([{ edge: "edge-1", problem: "" }]);
    const { actionsDone } = await again.client.getStatus({});
    expect(actionsDone["prime"]).toBe(1n);
  });

  test("are not seeded by an OpsBot that another one has taken over from", async () => {
    const edge = await startEdge("edge-1");
    await edge.client.fence({ fencingToken: 7n }, { authorization: `Bearer ${EDGE_TOKEN}` });
    const seeding = seed(seedDeps([edge]), { ...SEED, idempotencyKey: "deploy-6" });
    await expect(seeding).rejects.toThrow(/edge-1: .*fencing_token: got 1/);
    const { total } = await edge.client.getStatus({});
    expect(total!.originFetches).toBe(0n);
  });

  test("fall short when the origin is away, and seeding says that nothing came", async () => {
    const edge = await startEdge("edge-1", {}, await freePort());
    const seeding = seed(seedDeps([edge]), { ...SEED, idempotencyKey: "deploy-4" });
    await expect(seeding).rejects.toThrow(
      /^seeding: got nothing of 1 path, expected objects in 1 edge: edge-1: \/live\/cam-0001\/index\.m3u8: /,
    );
    const report = await run(wishOf([edge], { forMs: 3_000 }));
    expect(report.passed).toBe(false);
    expect(report.shortfalls.join("\n")).toMatch(/^segments: got none.*edge-1: status 502/);
    expect(report.shortfalls.join("\n")).toMatch(/^errors: got 100 % of \d+ requests/m);
    expect(report).toMatchObject({ hitRate: 0, bytes: expect.any(BigInt) as bigint });
  });

  test("fall short behind a slow proxy, in words", async () => {
    await using proxy = await slowProxy();
    const edge = await startEdge("edge-1", { "public-url": proxy.url });
    proxy.to(edge.publicUrl);
    await playable(edge.publicUrl);
    const slow = { ...edge, publicUrl: proxy.url };
    const slo = { ...SLO, firstByteP99Ms: 250 };
    const report = await run(wishOf([slow], { slo }));
    expect(report.passed).toBe(false);
    expect(report.shortfalls.join("\n")).toMatch(
      /^time to first byte \(p99\): got [\d.]+ ms, expected at most 250 ms/m,
    );
    expect(report.firstByteP50Ms).toBeGreaterThan(300);
  });

  test("serve a protected channel to those who show a token, and the command says so", async () => {
    const keys = join(bed.directory, "keys.json");
    const tool = (...words: readonly string[]) =>
      execFileSync(
        process.execPath,
        [TOKEN_MAIN, `--key=${join(bed.directory, "key")}`, ...words],
        {
          encoding: "utf8",
        },
      ).trim();
    tool("--new-key", `--token-keys=${keys}`);
    const edge = await startEdge("edge-1", { protect: "/live/cam-0001/", "token-keys": keys });
    const token = tool("--channel=cam-0001", "--client=load");
    await eventually("the channel has segments", async () => {
      const url = `${edge.publicUrl}/live/cam-0001/picture.m3u8?access_token=${token}`;
      return (await (await fetch(url)).text()).includes("#EXTINF") || undefined;
    });
    const said = await validateCommand(`${edge.publicUrl}${PATH}`, `--viewer-token=${token}`);
    expect(said).toMatch(/^3 players for 6 s on 1 edge: as expected\nrequests +\d+, of which/);
    const report = await run(wishOf([edge], { forMs: 2_000 }));
    expect(report.shortfalls[0]).toMatch(/^segments: got none.*edge-1: status 401/);
  });
});

/** @returns what it said. Rejects when it ends with another code than 0. */
async function validateCommand(...words: readonly string[]): Promise<string> {
  const slo = ["--first-byte=3s", "--hit-rate=70", "--error-share=5", "--stalls=9"];
  const all = [OPSBOT_MAIN, "validate", ...words, "--players=3", "--for=6s", ...slo];
  return (await promisify(execFile)(process.execPath, all)).stdout;
}

/** Each answer takes 350 ms longer. */
async function slowProxy() {
  let target = "";
  const server = createServer(async ({ url = "/", headers }, response) => {
    await delay(350);
    const { host } = new URL(target);
    const asked = request(new URL(url, target), { headers: { ...headers, host } }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy()).end();
  });
  const url = `http://localhost:${await listenHttp(server, "proxy", "localhost", 0)}`;
  return {
    url,
    to: (base: string) => void (target = base),
    [Symbol.asyncDispose]: () => closeHttp(server),
  };
}

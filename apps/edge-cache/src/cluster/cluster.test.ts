/** Three edges in front of one origin. */
import { request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";

import { tlsOptions } from "@glassline/service/tls";
import { expect, test, vi } from "vitest";

import { ADMIN_TOKEN, adminCall } from "../edge-admin.testing.ts";
import type { TestCluster } from "../edge-cache.testing.ts";
import { startCluster, startOrigin, statusOf } from "../edge-cache.testing.ts";
import { Wire } from "./wire.testing.ts";

const OBJECTS = 90;

async function startAll() {
  await using stack = new AsyncDisposableStack();
  const askers: string[] = [];
  const state = { version: 1 };
  const origin = stack.use(
    await startOrigin(async ({ url = "", headers }, response) => {
      askers.push(/([\w-]+)$/.exec(String(headers.via))![1]!);
      response.setHeader("cache-control", "max-age=600").setHeader("cache-tag", "all");
      await delay(10);
      response.end(`${url} ${state.version}`);
    }),
  );
  const cluster = stack.use(await startCluster(origin.url, 3, [`--admin-token=${ADMIN_TOKEN}`]));
  await cluster.settled();
  const get = async (edge: number, path: string) => {
    const response = await fetch(`${cluster.bases[edge]}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const owned = stack.move();
  return { origin, cluster, get, askers, state, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function purge(cluster: TestCluster, edge: number, target: object) {
  const call = adminCall(cluster.edge(edge).addresses.adminPort);
  const done = await call("Purge", { ...target, idempotencyKey: crypto.randomUUID() });
  return done as { objects?: number; pendingEdges?: string[] };
}

const paths = Array.from({ length: OBJECTS }, (_, number) => `/live/cam/${number}.m4s`);

test("each object is asked of the origin once for all edges, by each edge its share", async () => {
  await using all = await startAll();
  const wanted = paths.flatMap((path) => [0, 1, 2, 0, 1, 2].map((edge) => all.get(edge, path)));
  for (const { status } of await Promise.all(wanted)) expect(status).toBe(200);
  for (const path of paths) for (const edge of [0, 1, 2]) await all.get(edge, path);
  expect(all.origin.asked.toSorted()).toEqual(paths.map((path) => `GET ${path}`).toSorted());
  for (const name of ["edge-1", "edge-2", "edge-3"])
    expect(all.askers.filter((asker) => asker === name).length).toBeGreaterThan(OBJECTS / 6);
});

test("when an edge ends, the others go on without an error, and share what was its part", async () => {
  await using all = await startAll();
  const half = OBJECTS / 2;
  const errors: number[] = [];
  const ask = async (path: string) => {
    for (const edge of [0, 2]) {
      const { status } = await all.get(edge, path);
      if (status !== 200) errors.push(status);
    }
  };
  for (const [at, path] of paths.entries()) {
    if (at === half) void all.cluster.stop(1);
    await ask(path);
  }
  expect(errors).toEqual([]);
  expect(all.askers.slice(0, half)).toContain("edge-2");
  expect(all.askers.slice(half + 10)).not.toContain("edge-2");
  expect(new Set(all.askers.slice(half + 10))).toEqual(new Set(["edge-1", "edge-3"]));
});

test("when an edge hangs, those who wait for it are answered by others", async () => {
  await using origin = await startOrigin(({ url = "" }, response) =>
    response.setHeader("cache-control", "max-age=600").end(url),
  );
  await using wire = new Wire();
  await using cluster = await startCluster(origin.url, 3, [], async (port, at) =>
    at === 1 ? wire.to(port) : port,
  );
  await cluster.settled();
  wire.freeze();
  const answers = await Promise.all(
    paths.map(async (path) => (await fetch(`${cluster.bases[0]}${path}`)).text()),
  );
  expect(answers).toEqual(paths);
  const { members } = await statusOf(cluster.edge(0).addresses.adminPort);
  expect(members?.map(({ usable }) => usable)).toEqual([false, true]);
});

test("an edge that comes back asks those who stood in for it, not the origin", async () => {
  await using all = await startAll();
  await all.cluster.stop(1);
  for (const path of paths) await all.get(0, path);
  await all.cluster.start(1);
  await all.cluster.settled();
  const before = all.origin.asked.length;
  for (const path of paths)
    expect(await all.get(1, path)).toEqual({ status: 200, text: `${path} 1` });
  expect(all.origin.asked.length).toBe(before);
});

test("a purge reaches all, also an edge that was away meanwhile, before it is asked again", async () => {
  await using all = await startAll();
  for (const edge of [0, 1, 2]) for (const path of paths) await all.get(edge, path);
  all.state.version = 2;
  const done = await purge(all.cluster, 0, { tag: "all" });
  expect(done).toMatchObject({ objects: OBJECTS });
  expect(done.pendingEdges ?? []).toEqual([]);
  for (const edge of [1, 2, 0])
    for (const path of paths) expect((await all.get(edge, path)).text).toBe(`${path} 2`);
  // Until they have heard from each other of what they heard from the first, they ask the origin themselves.
  expect(all.origin.asked.length).toBeGreaterThanOrEqual(2 * OBJECTS);
  expect(all.origin.asked.length).toBeLessThan(4 * OBJECTS);

  await all.cluster.stop(2);
  all.state.version = 3;
  expect(await purge(all.cluster, 0, { prefix: "/live/" })).toMatchObject({
    objects: OBJECTS,
    pendingEdges: ["edge-3"],
  });
  await all.cluster.start(2);
  await all.cluster.settled();
  for (const edge of [2, 1, 0])
    for (const path of paths) expect((await all.get(edge, path)).text).toBe(`${path} 3`);
});

test("what an unsafe request changes is forgotten by all", async () => {
  await using all = await startAll();
  for (const edge of [0, 1, 2]) await all.get(edge, "/page");
  all.state.version = 2;
  await (await fetch(`${all.cluster.bases[0]}/page`, { method: "POST" })).text();
  for (const edge of [0, 1, 2]) expect((await all.get(edge, "/page")).text).toBe("/page 2");
});

test("only members of the cluster are answered", async () => {
  await using all = await startAll();
  const port = all.cluster.edge(0).addresses.clusterPort;
  const statusFor = async (role: "origin" | "edge-cache", instance: string) => {
    const identity = await all.cluster.issue({ role, instance });
    return new Promise((resolve, reject) => {
      const tls = { ...tlsOptions(identity), checkServerIdentity: () => undefined };
      request({ port, path: "/page", servername: "localhost", ...tls, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .once("error", reject)
        .end();
    });
  };
  expect(await statusFor("edge-cache", "edge-2")).toBe(200);
  expect(await statusFor("edge-cache", "edge-9")).toBe(403);
  expect(await statusFor("origin", "edge-2")).toBe(403);
});

test("the status tells which members are there", async () => {
  await using all = await startAll();
  await all.cluster.stop(2);
  await vi.waitFor(async () => {
    const { members } = await statusOf(all.cluster.edge(0).addresses.adminPort);
    expect(members).toEqual([
      { edge: "edge-2", reachable: true, usable: true },
      { edge: "edge-3", reachable: false, usable: false },
    ]);
  }, 90_000);
});

test("each edge hands on the purges that it has done, and no viewer gets at them", async () => {
  await using all = await startAll();
  await purge(all.cluster, 0, { tag: "all" });
  const identity = await all.cluster.issue({ role: "edge-cache", instance: "edge-3" });
  const port = all.cluster.edge(1).addresses.clusterPort;
  const path = "/.glassline/cluster/purges?since=0";
  const text = await new Promise<string>((resolve, reject) => {
    const tls = { ...tlsOptions(identity), checkServerIdentity: () => undefined };
    request({ port, path, servername: "localhost", ...tls, agent: false }, (answer) => {
      let got = "";
      answer.on("data", (chunk: Buffer) => (got += chunk.toString())).on("end", () => resolve(got));
    })
      .once("error", reject)
      .end();
  });
  expect(JSON.parse(text)).toMatchObject({
    edge: "edge-2",
    purges: [{ purge: { target: { tag: "all" }, isSoft: false } }],
  });
  for (const own of [path, "/.glassline/cluster/held/page", "/%2Eglassline/cluster/state"])
    expect((await all.get(1, own)).status).toBe(400);
});

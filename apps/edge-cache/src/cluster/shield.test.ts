/** Edges that fetch from another edge, as from an origin. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort, freePorts } from "@glassline/bench/ports";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test, vi } from "vitest";

import { ADMIN_TOKEN, adminCall } from "../edge-admin.testing.ts";
import type { EdgeCache } from "../edge-cache.ts";
import { startEdge, startOrigin, statusOf } from "../edge-cache.testing.ts";

const TOKEN = `--admin-token=${ADMIN_TOKEN}`;

/** "shield-1" before the origin, "edge-1" and "edge-2" behind it. */
async function startShielded() {
  await using stack = new AsyncDisposableStack();
  const state = { version: 1 };
  const origin = stack.use(
    await startOrigin(({ url = "" }, response) =>
      response
        .setHeader("cache-control", "max-age=600")
        .setHeader("cache-tag", "all")
        .end(`${url} ${state.version}`),
    ),
  );
  const issue = await ephemeralPki();
  const disk = await mkdtemp(join(tmpdir(), "glassline-shield-"));
  stack.defer(() => rm(disk, { recursive: true, force: true }));
  const clusterPort = await freePort();
  let shield: EdgeCache | undefined;
  const stopShield = async () => {
    await shield?.[Symbol.asyncDispose]();
    shield = undefined;
  };
  const startShield = async () => {
    const own = ["--name=shield-1", `--cluster-port=${clusterPort}`, `--disk=${disk}`];
    const shielded = ["--shielded=edge-1", "--shielded=edge-2"];
    shield = await startEdge(origin.url, [...own, ...shielded, "--disk-size=64MiB", TOKEN], {
      issue,
    });
  };
  stack.defer(stopShield);
  await startShield();
  const start = async (name: string, into = stack) =>
    into.use(
      await startEdge(
        `https://127.0.0.1:${clusterPort}`,
        [`--name=${name}`, "--origin-edge=shield-1", TOKEN],
        { issue },
      ),
    );
  const edges = [await start("edge-1"), await start("edge-2")];
  const get = async (edge: EdgeCache, path: string, fields: Record<string, string> = {}) => {
    const headers = { connection: "close", ...fields };
    const answer = await fetch(`http://127.0.0.1:${edge.addresses.port}${path}`, { headers });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
  const owned = stack.move();
  return {
    origin,
    state,
    edges,
    get,
    start: (name: string) => start(name, owned),
    startShield,
    stopShield,
    shield: () => shield!,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function purge(edge: EdgeCache, target: object) {
  const done = await adminCall(edge.addresses.adminPort)("Purge", {
    ...target,
    idempotencyKey: crypto.randomUUID(),
  });
  return done as { objects?: number; pendingEdges?: string[] };
}

test("what one edge has fetched is a hit at the shield for another", async () => {
  await using all = await startShielded();
  const [one, two] = all.edges as [EdgeCache, EdgeCache];
  expect((await all.get(one, "/live/a/1.m4s")).text).toBe("/live/a/1.m4s 1");
  const second = await all.get(two, "/live/a/1.m4s");
  expect(second.text).toBe("/live/a/1.m4s 1");
  expect(second.headers.get("cache-status")).toMatch(/^"?shield-1"?; hit.*, "?edge-2"?; fwd=/);
  expect((await all.get(two, "/live/a/1.m4s")).headers.get("cache-status")).toMatch(
    /edge-2"?; hit/,
  );
  expect(all.origin.asked).toEqual(["GET /live/a/1.m4s"]);
});

test("a purge at an edge reaches its shield first, and the others behind it", async () => {
  await using all = await startShielded();
  const [one, two] = all.edges as [EdgeCache, EdgeCache];
  for (const edge of all.edges) await all.get(edge, "/live/a/1.m4s");
  all.state.version = 2;
  expect((await purge(one, { tag: "all" })).pendingEdges ?? []).toEqual([]);
  expect((await all.get(one, "/live/a/1.m4s")).text).toBe("/live/a/1.m4s 2");
  await vi.waitFor(
    async () => expect((await all.get(two, "/live/a/1.m4s")).text).toBe("/live/a/1.m4s 2"),
    90_000,
  );
  all.state.version = 3;
  await purge(all.shield(), { path: "/live/a/1.m4s" });
  for (const edge of all.edges)
    await vi.waitFor(
      async () => expect((await all.get(edge, "/live/a/1.m4s")).text).toBe("/live/a/1.m4s 3"),
      90_000,
    );
});

test("a shield that was away is told what was purged before it is asked again", async () => {
  await using all = await startShielded();
  const [one] = all.edges as [EdgeCache];
  await all.get(one, "/live/a/1.m4s");
  // On the disk of the shield.
  await expect
    .poll(async () => (await statusOf(all.shield().addresses.adminPort)) as object, {
      timeout: 10_000,
    })
    .toMatchObject({ diskObjects: 1 });
  await all.stopShield();
  all.state.version = 2;
  expect(await purge(one, { tag: "all" })).toMatchObject({ pendingEdges: ["shield-1"] });
  expect((await all.get(one, "/live/a/1.m4s")).status).toBe(502);
  await all.startShield();
  await vi.waitFor(async () => {
    const { status, text } = await all.get(one, "/live/a/1.m4s");
    expect(status).toBe(200);
    expect(text).toBe("/live/a/1.m4s 2");
  }, 90_000);
});

test("only edges that it shields are answered", async () => {
  await using all = await startShielded();
  const stranger = await all.start("edge-9");
  expect((await all.get(stranger, "/page")).status).toBe(502);
  expect(all.origin.asked).toEqual([]);
});

test("loops are refused: at the start where they are seen, else at the first question", async () => {
  const issue = await ephemeralPki();
  const start = (name: string, more: string[], origin = "https://127.0.0.1:1") =>
    startEdge(origin, [`--name=${name}`, ...more], { issue });
  await expect(start("a", ["--origin-edge=a"])).rejects.toThrow(/--origin-edge: got "a"/);
  await expect(start("a", ["--origin-edge=b", "--shielded=b"])).rejects.toThrow(
    /--shielded: got "b"/,
  );
  await expect(start("a", ["--origin-edge=b", "--member=b=https://127.0.0.1:1"])).rejects.toThrow(
    /--member: got "b"/,
  );
  await expect(start("a", ["--origin-edge=b"], "http://127.0.0.1:1")).rejects.toThrow(
    /--origin: got "http:/,
  );

  const names = ["a", "b", "c"];
  const ports = await freePorts(3);
  await using stack = new AsyncDisposableStack();
  const edges: EdgeCache[] = [];
  for (const [at, name] of names.entries()) {
    const [next, before] = [(at + 1) % 3, (at + 2) % 3];
    const words = [
      `--origin-edge=${names[next]}`,
      `--shielded=${names[before]}`,
      `--cluster-port=${ports[at]}`,
    ];
    edges.push(stack.use(await start(name, words, `https://127.0.0.1:${ports[next]}`)));
  }
  const base = `http://127.0.0.1:${edges[0]!.addresses.port}`;
  const answer = await fetch(`${base}/live/x/1.m4s`);
  expect(answer.status).toBe(508);
  expect(await answer.text()).toContain("got the way a, b, c, a, expected one without a loop");
});

test("what a viewer says of the way is not heard", async () => {
  await using all = await startShielded();
  const [one] = all.edges as [EdgeCache];
  const { status } = await all.get(one, "/page", { "glassline-way": "shield-1" });
  expect(status).toBe(200);
});

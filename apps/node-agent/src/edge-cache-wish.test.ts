/** The cache that an edge is wished with: on disk, logged, for clients that do not ask too often. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { freePorts } from "@glassline/bench/ports";
import { EdgePhase } from "@glassline/proto/node";
import { afterAll, beforeAll, expect, test } from "vitest";

import { edgeSpec, makePki, startAgent } from "./agent.testing.ts";

const PATIENT = { timeout: 120_000 };

let pki: Awaited<ReturnType<typeof makePki>>;

beforeAll(async () => {
  pki = await makePki();
});
afterAll(() => pki[Symbol.asyncDispose]());

test(
  "an edge has its disk and its access log in its folder, and refuses who asks too often",
  PATIENT,
  async () => {
    await using agent = await startAgent(1, pki.directory);
    const ports = await freePorts(3);
    const cache = {
      diskMaxBytes: 67_108_864n,
      accessLogShare: 1,
      clientRate: 1,
      blockingLifetimeMs: 500,
    };
    const edges = [edgeSpec(1, ports, cache)];
    await agent.client.setDesiredState({ fencingToken: 1n, edges });
    const { processId } = await agent.edge("edge-1", ({ phase }) => phase === EdgePhase.READY);
    const statusOf = async () => {
      const answer = await fetch(`http://127.0.0.1:${ports[0]}/live/none.m3u8`);
      await answer.arrayBuffer();
      return answer.status;
    };
    // As many as a client may make at once, and a few a second.
    const statuses: number[] = [];
    while (!statuses.includes(429) && statuses.length < 1_000) statuses.push(await statusOf());
    expect(statuses).toContain(429);
    const folder = join(agent.dataDir, "edges", "edge-1");
    await expect
      .poll(() => readFile(join(folder, "access.log"), "utf8").catch(() => ""), { timeout: 30_000 })
      .toContain("GET /live/none.m3u8");
    expect(await readdir(folder)).toContain("disk");
    const commandLine = await readFile(`/proc/${processId}/cmdline`, "utf8");
    expect(commandLine).toContain("--blocking-lifetime=/=500ms");
    expect(commandLine).toContain("--disk-size=67108864B");

    await agent.client.setDesiredState({ fencingToken: 1n, edges: [] });
    await expect
      .poll(() => readdir(join(agent.dataDir, "edges")), { timeout: 60_000 })
      .not.toContain("edge-1");
  },
);

test("an edge is not started with a cache that it would refuse", PATIENT, async () => {
  await using agent = await startAgent(1, pki.directory);
  const ports = await freePorts(3);
  for (const [bad, reason] of [
    [{ diskMaxBytes: 1n }, /disk_max_bytes of edge-1/],
    [{ accessLogShare: 1.5 }, /access_log_share of edge-1/],
    [{ accessLogShare: Number.NaN }, /access_log_share of edge-1/],
    [{ clientRate: 1_000_001 }, /client_rate of edge-1/],
    [{ blockingLifetimeMs: 600_001 }, /blocking_lifetime_ms of edge-1/],
  ] as const)
    await expect(
      agent.client.setDesiredState({ fencingToken: 1n, edges: [edgeSpec(1, ports, bad)] }),
    ).rejects.toThrow(reason);
});

/** The torture in small: it proves little, but runs; and what the peer would tell of a leader that nobody keeps from it. */
import { PassThrough } from "node:stream";

import { progressOn } from "@glassline/bench/progress";
import { EdgeCacheService } from "@glassline/proto/edge";
import { ephemeralPki } from "@glassline/service/pki";
import { peerClient } from "@glassline/service/peer-client";
import { expect, test } from "vitest";

import { describeWithPostgres } from "../../src/stores/postgres.testing.ts";
import { RecordingPeer } from "../loop/recording-peer.ts";
import { torture } from "./leaders.ts";

describeWithPostgres()("leaders that are stopped or killed", () => {
  test("are replaced, and have no effect any more", { timeout: 180_000 }, async () => {
    const tortured = await torture(
      { replicas: 2, stops: 3, kills: 1 },
      Math.random,
      progressOn(new PassThrough() as never),
      new AbortController().signal,
    );
    expect(tortured).toMatchObject({ stops: 3, kills: 1, staleEffects: 0, staleCommits: 0 });
    expect(tortured.problems).toEqual([]);
    expect(tortured.effects).toBeGreaterThan(0);
  });
});

test("an edge that hears of a later term refuses the one before, and counts it", async () => {
  const identityOf = await ephemeralPki();
  await using peer = await RecordingPeer.start({ edges: ["edge-1"], identityOf });
  const port = Number(peer.words[0]!.split(":").at(-1));
  const identity = await identityOf({ role: "opsbot", instance: "opsbot" });
  const endpoint = { name: "edge-1", host: "127.0.0.1", port };
  using edge = peerClient(EdgeCacheService, endpoint, "edge-cache", identity);
  const purge = (idempotencyKey: string, fencingToken: bigint) =>
    edge.purge({ target: { case: "everything", value: true }, idempotencyKey, fencingToken });
  expect((await purge("one", 1n)).replayed).toBe(false);
  expect((await purge("one", 1n)).replayed).toBe(true);
  await edge.fence({ fencingToken: 2n });
  await expect(purge("two", 1n)).rejects.toThrow(/got 1, expected at least 2/);
  expect(peer).toMatchObject({ refused: 1, stale: [] });
  expect(peer.effects.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["one"]);
});

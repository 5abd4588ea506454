/** What OpsBot does to edges, links and collectors by itself, done to the real programs. */
import { restartCollector } from "@glassline/opsbot/actions/collector-actions";
import { drainEdge, fenceEdge, undrainEdge } from "@glassline/opsbot/actions/edge-actions";
import { restartLink, rotateKeys } from "@glassline/opsbot/actions/link-actions";
import { ControlService } from "@glassline/proto/control";
import { EdgeCacheService } from "@glassline/proto/edge";
import { MeshAdminService } from "@glassline/proto/mesh";
import type { PeerName } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { afterEach, beforeEach, expect, test } from "vitest";

import { countedValues, countingSource } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const OPSBOT: PeerName = { role: "opsbot", instance: "opsbot" };
const TOKEN = "0123456789";
const CAMERA = "cam-counted";

let testbed: Testbed;
beforeEach(async () => void (testbed = await Testbed.open()));
afterEach(() => testbed[Symbol.asyncDispose]());

const caller = (idempotencyKey: string, fencingToken = 5n) => ({ idempotencyKey, fencingToken });

test("an edge drains, takes viewers again, and hears the newest OpsBot only", async () => {
  const origin = await testbed.origin();
  const edge = await testbed.edge("edge-1", origin.addresses.port, { "admin-token": TOKEN });
  const endpoint = { name: "edge-1", host: "localhost", port: edge.addresses.grpcPort };
  const identity = await testbed.identity(OPSBOT);
  using client = peerClient(EdgeCacheService, endpoint, "edge-cache", identity);
  const at = { client, authorization: `Bearer ${TOKEN}` };
  for (const viewer of ["a", "b"])
    await fetch(`http://localhost:${edge.addresses.port}/live/cam-0001/index.m3u8`, {
      headers: { "user-agent": viewer },
    });
  const { viewers } = await client.getStatus({});
  expect(await drainEdge({ ...at, ...caller("k1") })).toBe(`${viewers} viewers are being moved`);
  expect(await drainEdge({ ...at, ...caller("k2") })).toBe("its viewers were being moved already");
  expect((await client.getStatus({})).draining).toBe(true);
  expect(await undrainEdge({ ...at, ...caller("k3") })).toBe("viewers may come again");
  expect(await undrainEdge({ ...at, ...caller("k4") })).toBe("viewers were welcome already");
  expect(await fenceEdge({ ...at, fencingToken: 6n })).toBe(
    "an OpsBot with a token lower than 6 is not heard any more",
  );
  await expect(drainEdge({ ...at, ...caller("k5") })).rejects.toMatchObject({
    code: "failed_precondition",
  });
  await expect(
    drainEdge({ client, authorization: "Bearer other", ...caller("k6", 7n) }),
  ).rejects.toMatchObject({ code: "unauthenticated" });
  expect((await client.getStatus({})).draining).toBe(false);
});

test(
  "links get new keys and are restarted while a camera measures: nothing is lost",
  { timeout: 90_000 },
  async () => {
    const collector = await testbed.collector();
    const relay = await testbed.meshNode("node-2", {
      collector: `localhost:${collector.addresses.port}`,
    });
    const gateway = await testbed.meshNode("node-1", {
      gateway: true,
      peer: [`node-2=localhost:${relay.addresses.port}`],
    });
    const query = await testbed.query(collector.addresses.port);
    const source = countingSource(CAMERA, { perReport: 20, intervalMs: 5 });
    await testbed.camera("agent-1", gateway.addresses.port, [source]);
    const stored = () => countedValues(query, CAMERA);
    const arrive = () => {
      const before = source.yielded;
      return eventually(
        "samples arrive",
        async () => ((await stored()).length > before ? true : undefined),
        90_000,
      );
    };
    await arrive();
    const identity = await testbed.identity(OPSBOT);
    const admin = (port: number) =>
      peerClient(MeshAdminService, { host: "localhost", port }, "mesh-node", identity);
    using dialling = admin(gateway.addresses.port);
    using accepting = admin(relay.addresses.port);
    for (let round = 1; round <= 5; round++)
      expect(
        await rotateKeys({ client: dialling, neighbour: "node-2", ...caller(`rotate-${round}`) }),
      ).toBe("the link to node-2 has new keys and was never away");
    await arrive();
    const again = { client: dialling, neighbour: "node-2", ...caller("rotate-5") };
    expect(await rotateKeys(again)).toContain("(the first time it was asked)");
    expect(
      await rotateKeys({ client: accepting, neighbour: "node-1", ...caller("rotate-6") }),
    ).toBe("the link to node-1 was closed and comes up with new keys");
    await arrive();
    const restart = { client: dialling, neighbour: "node-2", ...caller("restart-1") };
    expect(await restartLink(restart)).toBe("the link to node-2 was closed and comes up anew");
    await arrive();
    expect(await restartLink(restart)).toContain("(the first time it was asked)");
    await expect(
      restartLink({ client: dialling, neighbour: "node-9", ...caller("restart-2") }),
    ).rejects.toMatchObject({ code: "not_found" });
    source.finish();
    const expected = Array.from({ length: source.yielded }, (_, at) => at + 1);
    await eventually(
      "all samples are stored",
      async () => ((await stored()).length >= expected.length ? true : undefined),
      90_000,
    );
    expect(await stored()).toEqual(expected);
  },
);

test("a collector is told once", async () => {
  const collector = await testbed.collector();
  const endpoint = { name: "collector", host: "localhost", port: collector.addresses.port };
  const identity = await testbed.identity(OPSBOT);
  using client = peerClient(ControlService, endpoint, "collector", identity);
  expect(await restartCollector({ client, ...caller("k1") })).toBe("it starts anew");
  expect(await restartCollector({ client, ...caller("k1") })).toBe(
    "it was told to start anew before",
  );
  await expect(restartCollector({ client, ...caller("k2", 4n) })).rejects.toMatchObject({
    code: "failed_precondition",
  });
});

/** Real processes in network namespaces, whose power fails while somebody listens. */
import { setTimeout as delay } from "node:timers/promises";

import { describeWithNamespaces } from "@glassline/bench/namespaces/testing";
import { testWithProgram } from "@glassline/bench/programs/testing";
import { counterBitsOf, indexOf } from "@glassline/quantum/keys/records";
import { expect } from "vitest";

import { TCPDUMP } from "./capture.ts";
import { MeshRig } from "./mesh-rig.ts";
import { gridPairs, ringPairs } from "./shapes.ts";

const COMPLETE_MS = 30_000;
const FLOW_MS = 20;

describeWithNamespaces()("a mesh in namespaces", { timeout: 120_000 }, () => {
  testWithProgram(TCPDUMP)(
    "goes around a relay that loses its power, shows nobody what it carries, and uses no number twice under a key",
    async () => {
      const pairs = gridPairs(3);
      await using rig = await MeshRig.start(9);
      const captured = await rig.capture();
      await rig.link(pairs);
      await rig.complete(COMPLETE_MS);
      await rig.deliver(10_000);
      rig.flow(1, 9, FLOW_MS);
      await delay(2_500);
      expect((await rig.tell(9)).arrivals.length).toBeGreaterThan(0);
      const path = await rig.path(1, 9);
      expect(path).toHaveLength(5);
      const relay = path[2]!;
      await rig.kill(relay, pairs);
      await rig.tell(9);
      await delay(3_000);
      expect((await rig.tell(9)).arrivals.length).toBeGreaterThan(0);
      const around = await rig.path(1, 9);
      expect(around).toHaveLength(5);
      expect(around).not.toContain(relay);
      await rig.startAgain(relay, pairs);
      await rig.complete(COMPLETE_MS);

      const datagrams = await captured();
      const records = datagrams.filter((datagram) => indexOf(datagram) !== undefined);
      expect(records.length).toBeGreaterThan(200);
      expect(records.filter((record) => record.includes("node-"))).toEqual([]);
      const nonces = records.map((record) => `${indexOf(record)} ${counterBitsOf(record)}`);
      expect(new Set(nonces).size).toBe(nonces.length);
    },
  );

  testWithProgram("/usr/sbin/nft")("heals when its parts are joined again", async () => {
    const pairs = ringPairs(6);
    await using rig = await MeshRig.start(6);
    await rig.link(pairs);
    await rig.complete(COMPLETE_MS);
    const cut = [pairs[0]!, pairs[3]!];
    await rig.part(cut);
    await delay(9_000);
    await expect(rig.complete(0)).rejects.toThrow("not complete");
    await rig.join(cut);
    await rig.complete(COMPLETE_MS);
    await rig.deliver(10_000);
  });
});

/** A gateway whose keys with the collector take in a secret that goes there in shares, by nodes that have none in common. */
import { freePorts } from "@glassline/bench/ports";
import { expect, test } from "vitest";

import { countedValues, countingSource } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const CAMERA = "cam-shares";
const PATIENCE_MS = 30_000;

test("needs as many ways as shares, and goes on when there are", { timeout: 90_000 }, async () => {
  await using bed = await Testbed.open();
  const collector = await bed.collector();
  const toCollector = { collector: `localhost:${collector.addresses.port}` };
  const [second, third, gatewayPort] = (await freePorts(3)) as [number, number, number];
  await bed.meshNode("node-2", { ...toCollector, port: second });
  await bed.meshNode("node-1", {
    port: gatewayPort,
    peer: [`node-2=localhost:${second}`, `node-3=localhost:${third}`],
    gateway: true,
    shares: 2,
  });
  const source = countingSource(CAMERA, { perReport: 5, intervalMs: 50 });
  await bed.camera(CAMERA, gatewayPort, [source]);
  const query = await bed.query(collector.addresses.port);
  const stored = async () => (await countedValues(query, CAMERA)).length;
  const state = async () => (await bed.meshStatus(gatewayPort)).gateway?.sessionState;
  await eventually("the gateway has tried", async () => source.yielded > 100 || undefined);
  await expect(stored()).rejects.toThrow("nothing has come from it");
  expect(await state()).not.toBe("streaming");

  await bed.meshNode("node-3", { ...toCollector, port: third });
  await eventually(
    "samples are stored",
    async () => (await stored().catch(() => 0)) > 100 || undefined,
    PATIENCE_MS,
  );
  source.finish();
  const whole = async () => {
    const values = await countedValues(query, CAMERA);
    return values.length >= source.yielded ? values : undefined;
  };
  const all = await eventually("all are stored", whole, PATIENCE_MS);
  expect(all).toEqual(Array.from({ length: source.yielded }, (_, at) => at + 1));
});

/** A collector whose disk fills up, and one whose log is in JetStream: what is stored, refused and shown. */
import { mayMount, smallDisk } from "@glassline/segment-log/small-disk/testing";
import { systemClock } from "@glassline/service/clock";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { OtlpCollector } from "./receivers/otlp.testing.ts";
import { send, startOtlpCollector } from "./receivers/otlp.testing.ts";
import type { NatsCluster } from "./stores/jetstream/nats-server.testing.ts";
import { describeWithNats, startNats } from "./stores/jetstream/nats-server.testing.ts";

const SMALL = ["--segment-size=64KiB", "--log-size=1GiB"];

/** A request of one point, and of about 30 kB in the log. */
async function sendPoint(collector: OtlpCollector, value: number): Promise<number> {
  const attribute = { key: "camera.id", value: { stringValue: "cam-1" } };
  const point = { timeUnixNano: String(value), asDouble: value };
  const metric = { name: "m", description: "x".repeat(30_000), gauge: { dataPoints: [point] } };
  const resource = { attributes: [attribute] };
  const resourceMetrics = [{ resource, scopeMetrics: [{ metrics: [metric] }] }];
  const { status } = await send(collector, { body: JSON.stringify({ resourceMetrics }) });
  return status;
}

async function sendPoints(collector: OtlpCollector, count: number): Promise<void> {
  for (let value = 1; value <= count; value++) expect(await sendPoint(collector, value)).toBe(200);
}

const valueOf = async (collector: OtlpCollector, name: string) =>
  (await collector.values(name))[""] ?? 0;

async function history(collector: OtlpCollector): Promise<number[]> {
  const { series } = await collector.query.queryRange({ cameraId: "cam-1", metric: "m" });
  return [...series[0]!.value];
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

test.skipIf(!mayMount)(
  "a disk that is full: requests are refused as overload, what is stored stays; blocks and requests go on when there is room",
  async () => {
    await using disk = await smallDisk(33_554_432);
    await using collector = await startOtlpCollector(...SMALL, `--data-dir=${disk.directory}`);
    const failures = () => valueOf(collector, "block_failures_total");
    let sent = 0;
    // Until a segment is closed whose block has not been made when the disk is full.
    for (; (await failures()) === 0; await systemClock.sleep(1_500)) {
      if (sent > 0) await disk.makeRoom();
      for (const end = sent + 4; sent < end; sent++)
        expect(await sendPoint(collector, sent + 1)).toBe(200);
      await disk.fill();
    }
    await expect.poll(() => sendPoint(collector, 0), { timeout: 30_000 }).toBe(503);
    expect(await collector.values("otlp_requests_refused_total")).toHaveProperty("reason=log_disk");
    await disk.makeRoom();
    expect(await sendPoint(collector, sent + 1)).toBe(200);
    await expect
      .poll(() => valueOf(collector, "blocks_made_total"), { timeout: 30_000 })
      .toBeGreaterThanOrEqual(Math.floor(sent / 4));
    expect((await history(collector)).filter((value) => value > 0)).toEqual(upTo(sent + 1));
  },
  90_000,
);

describeWithNats()("a collector with its log in JetStream", () => {
  let cluster: NatsCluster;
  beforeAll(async () => void (cluster = await startNats(1)));
  afterAll(() => cluster[Symbol.asyncDispose]());

  test("makes blocks of it; one on another machine goes on with it, and shows all of it", async () => {
    const nats = [...SMALL, "--log-nats-replicas=1", `--log-nats=${cluster.servers[0]}`];
    const first = await startOtlpCollector(...nats);
    await sendPoints(first, 60);
    await expect
      .poll(() => valueOf(first, "blocks_made_total"), { timeout: 30_000 })
      .toBeGreaterThan(15);
    await expect(startOtlpCollector(...nats)).rejects.toThrow(/another collector writes there/);
    await first[Symbol.asyncDispose]();
    await using second = await startOtlpCollector(...nats);
    await sendPoints(second, 0);
    expect(await sendPoint(second, 61)).toBe(200);
    expect(await history(second)).toEqual(upTo(61));
  }, 90_000);

  test("counts what goes when the log is full", async () => {
    const nats = ["--log-nats-replicas=1", `--log-nats=${cluster.servers[0]}`];
    const limits = ["--log-nats-stream=small", "--segment-size=64KiB", "--log-size=1MiB"];
    await using collector = await startOtlpCollector(...nats, ...limits);
    await sendPoints(collector, 60);
    expect((await collector.values("log_dropped_bytes_total"))["reason=size"]).toBeGreaterThan(
      500_000,
    );
  });
});

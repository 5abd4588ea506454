/** From a camera to the query API, on real sockets. */
import { readRecording } from "@glassline/camera/recording";
import { simulatedSource } from "@glassline/camera/simulated";
import type { Sample } from "@glassline/camera/source";
import { GapCause } from "@glassline/proto/camera";
import { systemClock } from "@glassline/service/clock";
import { seededRandom } from "@glassline/service/random";
import { METRIC_CAMERA_UPTIME } from "@glassline/telemetry/conventions";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { RECORDING, testWith } from "./testing/requirements.ts";
import { COUNTED_METRIC, countingSource, fixedSource, seriesOf } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

let testbed: Testbed;
beforeEach(async () => void (testbed = await Testbed.open()));
afterEach(() => testbed[Symbol.asyncDispose]());

/** The bits of doubles, which NaN and -0 are told apart by. */
const bits = (values: readonly number[]) => [
  ...new BigUint64Array(Float64Array.from(values).buffer),
];

/** A collector, a relay to it and a gateway behind that. */
async function network() {
  const collector = await testbed.collector();
  const relay = await testbed.meshNode("node-2", {
    collector: `localhost:${collector.addresses.port}`,
  });
  const gateway = await testbed.meshNode("node-1", {
    gateway: true,
    peer: [`node-2=localhost:${relay.addresses.port}`],
  });
  return { collector, relay, gateway, query: await testbed.query(collector.addresses.port) };
}

describe("a measurement", () => {
  test("is stored by way of one node that is gateway and hands on sessions too", async () => {
    const collector = await testbed.collector();
    const node = await testbed.meshNode("node-1", {
      gateway: true,
      collector: `localhost:${collector.addresses.port}`,
    });
    const source = countingSource("cam-a", { perReport: 5, intervalMs: 20 });
    await testbed.camera("agent-1", node.addresses.port, [source]);
    const query = await testbed.query(collector.addresses.port);
    await eventually("samples are stored", async () => {
      const { series } = await query.queryRange({ cameraId: "cam-a", metric: COUNTED_METRIC });
      return (series[0]?.value.length ?? 0) >= 50 || undefined;
    });
  });

  test("comes out of the query API equal to the bit, by gRPC and by JSON", async () => {
    const { collector, gateway, query } = await network();
    const values = [
      36.6,
      -0,
      5e-324,
      Number.MAX_VALUE,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      0.1 + 0.2,
    ];
    const nowNano = BigInt(Date.now()) * 1_000_000n;
    const samples = values.map((value, at): Sample => ({
      series: seriesOf("cam-a"),
      timeUnixNano: nowNano + BigInt(at),
      value,
    }));
    await testbed.camera("agent-1", gateway.addresses.port, [fixedSource("cam-a", samples)]);

    const request = { cameraId: "cam-a", metric: "camera.frames.captured" };
    const series = await eventually("the samples are stored", async () => {
      const answer = await query.queryRange(request);
      return answer.series[0]?.value.length === values.length ? answer.series[0] : undefined;
    });
    expect(bits(series.value)).toEqual(bits(values));
    expect(series.timeUnixNano).toEqual(samples.map(({ timeUnixNano }) => timeUnixNano));
    expect(series.series).toMatchObject({ unit: "{frame}", attributes: {} });

    const url = `http://localhost:${collector.addresses.adminPort}/glassline.query.v1alpha1.QueryService/QueryRange`;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const json = (await response.json()) as {
      series: { value: unknown[]; timeUnixNano: string[] }[];
    };
    expect(json.series[0]!.value.map(Number)).toEqual([
      36.6,
      0,
      5e-324,
      Number.MAX_VALUE,
      Infinity,
      Number.NaN,
      0.1 + 0.2,
    ]);
    expect(json.series[0]!.timeUnixNano[0]).toBe(String(nowNano));
  });

  test("of an unknown camera or metric, or with a wrong request, gets an error that says what is wrong", async () => {
    const { query, gateway } = await network();
    await testbed.camera("agent-1", gateway.addresses.port, [
      countingSource("cam-a", { perReport: 1, intervalMs: 10 }),
    ]);
    await expect(query.getLatest({ cameraId: "nobody" })).rejects.toThrow(
      'camera "nobody": nothing has come from it',
    );
    await eventually("the camera is known", () => query.getLatest({ cameraId: "cam-a" }));
    await expect(query.queryRange({ cameraId: "cam-a", metric: "wrong" })).rejects.toThrow(
      /has no such series/,
    );
    await expect(
      query.queryRange({
        cameraId: "cam-a",
        metric: "camera.frames.captured",
        fromUnixNano: 9n,
        toUnixNano: 5n,
      }),
    ).rejects.toThrow(/from_unix_nano: got 9, expected at most/);
    await expect(query.getTrace({ traceId: "0f".repeat(16) })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  testWith("recording")(
    "of the real recording: every numeric component is in the store",
    async () => {
      const { query, gateway } = await network();
      const recording = await readRecording(RECORDING, "karma");
      const startNano = BigInt(Date.now()) * 1_000_000n;
      const samples = recording.samples.map(({ series, offsetNano, value }) => ({
        series,
        timeUnixNano: startNano + offsetNano,
        value,
      }));
      await testbed.camera("agent-1", gateway.addresses.port, [fixedSource("karma", samples)]);
      await eventually("all points are stored", async () => {
        const { pointsStored } = await query.getStatus({});
        return pointsStored === BigInt(samples.length) ? true : undefined;
      });
      const stored = new Map<string, number[]>();
      for (const metric of new Set(samples.map(({ series }) => series.metric))) {
        for (const { series, value } of (await query.queryRange({ cameraId: "karma", metric }))
          .series) {
          stored.set(JSON.stringify([series!.metric, series!.attributes]), value);
        }
      }
      const expected = Map.groupBy(samples, ({ series }) =>
        JSON.stringify([series.metric, series.attributes]),
      );
      expect(new Set(stored.keys())).toEqual(new Set(expected.keys()));
      for (const [key, points] of expected)
        expect(bits(stored.get(key)!), key).toEqual(bits(points.map(({ value }) => value)));
    },
  );
});

test("a report that the gateway can never take is dropped and counted, and those behind it arrive", async () => {
  const { gateway, query } = await network();
  const good = { series: seriesOf("cam-a"), timeUnixNano: 1n, value: 1 };
  const bad = { ...good, series: seriesOf("cam-a", "x".repeat(5_000)) };
  const source = fixedSource("cam-a", [good, bad, { ...good, timeUnixNano: 2n, value: 2 }], 1);
  const camera = await testbed.camera("agent-1", gateway.addresses.port, [source]);
  const values = await eventually("both good samples are stored", async () => {
    const { series } = await query.queryRange({
      cameraId: "cam-a",
      metric: "camera.frames.captured",
    });
    return series[0]?.value.length === 2 ? series[0].value : undefined;
  });
  expect(values).toEqual([1, 2]);
  const dropped = await camera.metrics.registry
    .getSingleMetric("glassline_camera_reports_dropped_total")!
    .get();
  expect(dropped.values).toMatchObject([{ labels: { reason: "invalid" }, value: 1 }]);
});

test("a report that is too much for a bundle does not take those with it that came at the same moment", async () => {
  const { gateway, query } = await network();
  const random = seededRandom(1);
  const noise = () =>
    Array.from({ length: 1_000 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join(
      "",
    );
  const good = { series: seriesOf("cam-a"), timeUnixNano: 1n, value: 1 };
  const huge = Array.from({ length: 90 }, (_, at) => ({
    series: {
      ...seriesOf("cam-a", `m${at}`),
      attributes: Object.fromEntries(Array.from({ length: 60 }, (_, key) => [`k${key}`, noise()])),
    },
    timeUnixNano: 1n,
    value: 1,
  }));
  const reports = [[good], huge, [{ ...good, timeUnixNano: 2n, value: 2 }]];
  const camera = await testbed.camera("agent-1", gateway.addresses.port, [
    {
      cameras: [{ cameraId: "cam-a", attributes: { "camera.source": "test" } }],
      async *reports(signal) {
        for (const samples of reports) yield { cameraId: "cam-a", samples };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  ]);
  await eventually("both good samples are stored", async () => {
    const { series } = await query
      .queryRange({ cameraId: "cam-a", metric: "camera.frames.captured" })
      .catch(() => ({ series: [] }));
    return series[0]?.value.length === 2 ? true : undefined;
  });
  const dropped = await camera.metrics.registry
    .getSingleMetric("glassline_camera_reports_dropped_total")!
    .get();
  expect(dropped.values).toMatchObject([{ labels: { reason: "invalid" }, value: 1 }]);
});

describe("a directive", () => {
  test("of OpsBot reaches the camera by the stream on which its measurements come", async () => {
    const { query, gateway, collector } = await network();
    const source = simulatedSource({ count: 2, seed: 1, intervalMs: 6_000, clock: systemClock });
    await testbed.camera("agent-1", gateway.addresses.port, [source]);
    await eventually("both cameras are known", async () => {
      const { cameras } = await query.listCameras({});
      return cameras.length === 2 ? true : undefined;
    });
    const control = await testbed.control(collector.addresses.port);
    const reports = async (cameraId: string) => {
      const { series } = await query.queryRange({ cameraId, metric: METRIC_CAMERA_UPTIME });
      return series[0]!.value.length;
    };
    const before = await reports("cam-0001");
    expect(await control.direct({ cameraId: "cam-0001", action: reportNow })).toMatchObject({
      producer: "node-1",
    });
    await eventually("it reports at once", async () =>
      (await reports("cam-0001")) >= before + 1 ? true : undefined,
    );
    const faster = { case: "samplingIntervalMs", value: 100 } as const;
    await control.direct({ cameraId: "cam-0001", action: faster });
    await eventually("it reports ten times a second", async () =>
      (await reports("cam-0001")) >= before + 8 ? true : undefined,
    );
    expect(await reports("cam-0002")).toBeLessThan(4);
  });

  test("of others, for nobody, or that says nothing is refused", async () => {
    const { collector } = await network();
    const { port } = collector.addresses;
    const control = await testbed.control(port);
    const refused = (request: object) => expect(control.direct(request)).rejects;
    await refused({ cameraId: "none", action: reportNow }).toMatchObject({ code: "not_found" });
    await refused({ cameraId: "none" }).toThrow(/action: got none, expected sampling_interval_ms/);
    const tooFast = { case: "samplingIntervalMs", value: 5 };
    await refused({ cameraId: "none", action: tooFast }).toThrow(/got 5, expected 100 to/);
    const page = await testbed.control(port, { role: "dashboard", instance: "page" });
    await expect(page.direct({ cameraId: "none", action: reportNow })).rejects.toMatchObject({
      code: "permission_denied",
    });
  });
});

const reportNow = { case: "reportNow", value: true } as const;

describe("a full ring", () => {
  test("refuses and counts, the camera alone drops and counts, and what was acknowledged arrives when a collector comes", async () => {
    const gateway = await testbed.meshNode("node-1", { "ring-size": "2MiB", gateway: true });
    const source = countingSource("cam-a", {
      perReport: 2_000,
      intervalMs: 2,
      valueAt: seededRandom(1),
    });
    const camera = await testbed.camera("agent-1", gateway.addresses.port, [source], {
      "buffer-reports": 50,
    });
    const counter = async (name: string) => {
      const metric = await camera.metrics.registry.getSingleMetric(name)!.get();
      return metric.values.reduce((sum, { value }) => sum + value, 0);
    };
    await eventually("the gateway refuses", async () =>
      (await counter("glassline_camera_reports_refused_total")) > 0 ? true : undefined,
    );
    await eventually("the camera drops", async () =>
      (await counter("glassline_camera_reports_dropped_total")) > 0 ? true : undefined,
    );
    source.finish();
    const yielded = source.yielded / 2_000;
    const dropped = await counter("glassline_camera_reports_dropped_total");

    const collector = await testbed.collector();
    await testbed.meshNode("node-2", {
      collector: `localhost:${collector.addresses.port}`,
      peer: [`node-1=localhost:${gateway.addresses.port}`],
    });
    const query = await testbed.query(collector.addresses.port);
    const expected = BigInt((yielded - dropped) * 2_000);
    await eventually(`${expected} points are stored`, async () => {
      const { pointsStored } = await query.getStatus({});
      return pointsStored === expected ? true : undefined;
    });
    expect(await counter("glassline_camera_reports_acknowledged_total")).toBe(yielded - dropped);
    expect(dropped).toBeGreaterThan(0);

    source.resume();
    const gaps = await eventually("the camera tells what is missing", async () => {
      const found = await query.listGaps({ cameraId: "cam-a" });
      return found.gaps.length > 0 ? found.gaps : undefined;
    });
    source.finish();
    expect(gaps).toMatchObject([
      { cause: GapCause.MESH, reason: "ring_full", reports: BigInt(dropped) },
    ]);
    expect(gaps[0]!.toUnixNano).toBeGreaterThan(gaps[0]!.fromUnixNano);
    expect((await query.listGaps({})).gaps).toEqual(gaps);
  });
});

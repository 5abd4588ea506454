import { readFile, rm } from "node:fs/promises";

import { fromBinary } from "@bufbuild/protobuf";
import { BundleWriter } from "@glassline/otqmn/bundle-writer";
import type { Series } from "@glassline/otqmn/sample";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import { describe, expect, test, vi } from "vitest";

import { ExporterBench, TAKEN, numbered, textsIn } from "./exporter.testing.ts";
import type { Positions } from "../stores/positions.ts";

const WAIT = { timeout: 10_000, interval: 10 };
const stored = async (bench: ExporterBench) =>
  JSON.parse(await readFile(bench.positionPath, "utf8")) as Positions;

describe("an exporter", () => {
  test("sends what is in the log and what comes, in order, several records to a request", async () => {
    await using bench = await ExporterBench.open();
    await bench.append(numbered(1, 50));
    await using _exporter = bench.start();
    await vi.waitFor(() => expect(bench.target.texts).toEqual(numbered(1, 50)), WAIT);
    expect(bench.target.taken.length).toBeLessThan(5);
    await bench.append(numbered(51, 60));
    await vi.waitFor(() => expect(bench.target.texts).toEqual(numbered(1, 60)), WAIT);
    expect(await bench.values("export_records_total")).toEqual({ logs: 60 });
    expect(await bench.values("export_items_total")).toEqual({ logs: 60 });
  });

  test("goes on behind what was acknowledged, also when it was stopped in between", async () => {
    await using bench = await ExporterBench.open();
    await bench.append(numbered(1, 10));
    {
      await using _exporter = bench.start();
      await vi.waitFor(() => expect(bench.target.texts).toHaveLength(10), WAIT);
    }
    await bench.append(numbered(11, 20));
    await using _again = bench.start(await stored(bench));
    await vi.waitFor(() => expect(bench.target.texts).toEqual(numbered(1, 20)), WAIT);
  });

  test("sends again what failed, and not before the target wants it", async () => {
    await using bench = await ExporterBench.open();
    await bench.append(["one"]);
    const failed = { kind: "failed", reason: "unavailable", message: "" } as const;
    const answers = [failed, { ...failed, delayMs: 300 }, TAKEN];
    bench.target.answer = () => answers.shift() ?? TAKEN;
    await using _exporter = bench.start();
    await vi.waitFor(() => expect(bench.target.texts).toEqual(["one"]), WAIT);
    const [, second, third] = bench.target.asked;
    expect(third! - second!).toBeGreaterThanOrEqual(299);
    expect(await bench.values("export_failures_total")).toEqual({ unavailable: 2 });
  });

  test("drops the one record that the target refuses for good, and none of its neighbours", async () => {
    await using bench = await ExporterBench.open();
    await bench.append(numbered(1, 9));
    const refused = { kind: "refused", reason: "invalid_argument", message: "no" } as const;
    bench.target.answer = ({ body }) => (textsIn(body).includes("record 4") ? refused : TAKEN);
    await using _exporter = bench.start();
    const expected = numbered(1, 9).filter((text) => text !== "record 4");
    await vi.waitFor(() => expect(bench.target.texts).toEqual(expected), WAIT);
    expect(await bench.values("export_dropped_total")).toEqual({ invalid_argument: 1 });
  });

  test("does not send again in halves what the target does not know at all", async () => {
    await using bench = await ExporterBench.open();
    await bench.append(numbered(1, 9));
    bench.target.answer = () => ({ kind: "refused", reason: "unimplemented", message: "no" });
    await using _exporter = bench.start();
    const dropped = () => bench.values("export_dropped_total");
    await vi.waitFor(async () => expect(await dropped()).toEqual({ unimplemented: 9 }), WAIT);
    expect(bench.target.asked).toHaveLength(1);
  });

  test("counts what a target says it has dropped", async () => {
    await using bench = await ExporterBench.open();
    await bench.append(numbered(1, 3));
    bench.target.answer = () => ({ kind: "taken", rejected: 2, message: "too old" });
    await using _exporter = bench.start();
    await vi.waitFor(
      async () =>
        expect(await bench.values("export_dropped_total")).toEqual({ partial_success: 2 }),
      WAIT,
    );
    expect(await bench.values("export_items_total")).toEqual({ logs: 1 });
  });

  test("counts what retention took before the target had it, and goes on", async () => {
    await using bench = await ExporterBench.open({ segmentMaxBytes: 2_000, maxBytes: 20_000 });
    await bench.append(numbered(1, 2_000));
    await using _exporter = bench.start();
    await vi.waitFor(() => expect(bench.target.texts.at(-1)).toBe("record 2000"), WAIT);
    const { texts } = bench.target;
    expect(texts).toEqual(numbered(2_001 - texts.length, 2_000));
    expect(await bench.values("export_lost_records_total")).toEqual({
      retention: bench.log.firstIndex - 1,
    });
  });

  test("does not touch the disk once it has caught up", async () => {
    await using bench = await ExporterBench.open();
    await using _exporter = bench.start();
    await bench.append(numbered(1, 5));
    const { origin } = bench.log;
    if (origin.kind === "files") await rm(origin.directory, { recursive: true });
    await bench.append(numbered(6, 10));
    await vi.waitFor(() => expect(bench.target.texts).toEqual(numbered(1, 10)), WAIT);
  });

  test("stops at once while the target is away, and stores its position", async () => {
    await using bench = await ExporterBench.open();
    await bench.append(numbered(1, 3));
    const exporter = bench.start();
    await vi.waitFor(async () => expect((await stored(bench)).logs).toBe(3), WAIT);
    bench.target.answer = () => ({
      kind: "failed",
      reason: "unavailable",
      message: "",
      delayMs: 60_000,
    });
    await bench.append(["late"]);
    await vi.waitFor(() => expect(bench.target.asked).toHaveLength(2), WAIT);
    await exporter[Symbol.asyncDispose]();
    expect((await stored(bench)).logs).toBe(3);
  });
});

describe("batches of cameras", () => {
  const series: Series[] = ["cam-1", "cam-2"].flatMap((cameraId) => [
    { cameraId, metric: "camera.temperature", unit: "Cel", kind: "gauge", attributes: {} },
    { cameraId, metric: "camera.frames", unit: "{frame}", kind: "counter", attributes: { a: "b" } },
  ]);

  test("build on a run that began some segments before", async () => {
    await using bench = await ExporterBench.open();
    await appendRun(bench, 10, 4);
    const { segments, nextIndex } = bench.log;
    expect(segments).toHaveLength(3);
    const at = segments.at(-1)!.firstIndex - 1;
    await using _exporter = bench.start({ metrics: at, traces: at, logs: at });
    // One record of the segment is its checkpoint.
    await vi.waitFor(() => expect(pointsOf(bench)).toHaveLength(4 * (nextIndex - at - 2)), WAIT);
    expect(await bench.values("export_lost_records_total")).toEqual({});
  });

  /** Each batch builds on the one before. */
  async function appendRun(
    bench: ExporterBench,
    batches: number,
    perSegment = batches,
  ): Promise<void> {
    const writer = new BundleWriter();
    for (let seq = 1; seq <= batches; seq++) {
      const cameras =
        seq === 1 ? [{ cameraId: "cam-1", attributes: { "device.model.name": "HERO5" } }] : [];
      const payload = writer.encode({
        series,
        cameras,
        seriesIndex: Uint32Array.of(0, 1, 2, 3),
        timeUnixNano: new BigUint64Array(4).fill(BigInt(seq) * 1_000_000_000n),
        value: Float64Array.from([0, 1, 2, 3], (one) => seq + one / 10),
        traceContexts: [],
      });
      const incarnation = new Uint8Array(16).fill(1);
      const value = { producer: "p", incarnation, seq: BigInt(seq), keySeq: 1n, payload };
      await bench.log.append({ receivedUnixNano: 1n, record: { case: "batch", value } });
      if (seq % perSegment === 0 && seq < batches) await bench.log.roll();
    }
  }

  /** [camera, metric, time, value] in order of each series. */
  const pointsOf = (bench: ExporterBench) =>
    bench.target.taken.flatMap(({ body }) =>
      fromBinary(ExportMetricsServiceRequestSchema, body).resourceMetrics.flatMap(
        ({ resource, scopeMetrics }) =>
          scopeMetrics[0]!.metrics.flatMap(({ name, data }) =>
            (
              data.value as { dataPoints: { timeUnixNano: bigint; value: { value: number } }[] }
            ).dataPoints.map((point) => ({
              facts: Object.fromEntries(
                resource!.attributes.map(({ key, value }) => [key, value!.value.value]),
              ),
              name,
              seconds: Number(point.timeUnixNano / 1_000_000_000n),
              value: point.value.value,
            })),
          ),
      ),
    );

  test.each([0, 1, 7])("are metrics, also behind record %d in the middle of a run", async (at) => {
    await using bench = await ExporterBench.open();
    await appendRun(bench, 10);
    await using _exporter = bench.start({ metrics: at, traces: at, logs: at });
    await vi.waitFor(() => expect(pointsOf(bench)).toHaveLength(4 * (10 - at)), WAIT);
    const temperatures = pointsOf(bench).filter(
      ({ facts, name }) => facts["camera.id"] === "cam-1" && name === "camera.temperature",
    );
    expect(temperatures).toEqual(
      Array.from({ length: 10 - at }, (_, one) => ({
        facts: { "camera.id": "cam-1", "device.model.name": "HERO5" },
        name: "camera.temperature",
        seconds: at + one + 1,
        value: at + one + 1,
      })),
    );
    expect(await bench.values("export_lost_records_total")).toEqual({});
  });

  test("of which one cannot be read are counted, and the next run is exported", async () => {
    await using bench = await ExporterBench.open();
    await appendRun(bench, 1);
    const value = {
      producer: "p",
      incarnation: new Uint8Array(16).fill(1),
      seq: 5n,
      keySeq: 4n,
      payload: new Uint8Array(3),
    };
    await bench.log.append({ receivedUnixNano: 1n, record: { case: "batch", value } });
    await appendRun(bench, 1);
    await using _exporter = bench.start();
    await vi.waitFor(() => expect(pointsOf(bench)).toHaveLength(8), WAIT);
    expect(await bench.values("export_lost_records_total")).toEqual({ unreadable: 1 });
  });
});

/** A camera with twice the series that are shown of one: the rest is counted, stored, and found when memory has let it go. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test } from "vitest";

import { startByFlags } from "./collector.testing.ts";
import { OtqmnPeer } from "./receivers/otqmn.testing.ts";

const SERIES = 4_000;
const SHOWN = 2_000;

/** A point of each series. */
function wide(): Uint8Array {
  return encodeBundle({
    ...EMPTY_BUNDLE,
    series: Array.from({ length: SERIES }, (_, at) => ({
      cameraId: "wide",
      metric: `m${at}`,
      unit: "1",
      kind: "gauge" as const,
      attributes: {},
    })),
    seriesIndex: Uint32Array.from({ length: SERIES }, (_, at) => at),
    timeUnixNano: new BigUint64Array(SERIES).fill(1_790_000_000_000_000_000n),
    value: Float64Array.from({ length: SERIES }, (_, at) => at),
  });
}

/** Something that fills a segment. */
function filler(): Uint8Array {
  const attributes = { note: "x".repeat(4_096) };
  const cameras = Array.from({ length: 32 }, (_, at) => ({ cameraId: `cam-${at}`, attributes }));
  return encodeBundle({ ...EMPTY_BUNDLE, cameras });
}

test("series beyond those of a camera that are shown are counted, and found in blocks", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-series-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const issue = await ephemeralPki();
  const metrics = createMetrics("collector");
  const { addresses } = stack.use(
    await startByFlags(
      [
        "--port=0",
        "--admin-port=0",
        `--data-dir=${directory}`,
        "--recent-window=1s",
        "--segment-size=64KiB",
      ],
      await issue({ role: "collector", instance: "collector" }),
      metrics,
    ),
  );
  using peer = new OtqmnPeer(addresses.port, await issue({ role: "mesh-node", instance: "a" }));
  peer.hello();
  // One after another: what is written together is in one segment, which ends with the next write.
  for (let seq = 1; seq <= 5; seq++) {
    peer.batch(seq, seq === 1 ? wide() : filler());
    await peer.expect("ack", ({ durableSeq }) => durableSeq === BigInt(seq));
  }

  const query = jsonClient(QueryService, `http://localhost:${addresses.adminPort}`);
  expect(await query.getStatus()).toMatchObject({ series: SHOWN, pointsStored: BigInt(SERIES) });
  const { camera, samples } = await query.getLatest({ cameraId: "wide" });
  expect([camera!.seriesCount, samples.length]).toEqual([SHOWN, SHOWN]);
  const found = async (metric: string) => {
    const answer = await query.queryRange({ cameraId: "wide", metric }).catch(() => undefined);
    return answer?.series.map(({ value }) => value);
  };
  expect(await found("m0")).toEqual([[0]]);
  while (!(await found(`m${SERIES - 1}`))) {
    peer.send({ case: "heartbeat", value: {} });
    await systemClock.sleep(100);
  }
  expect(await found(`m${SERIES - 1}`)).toEqual([[SERIES - 1]]);
  expect(await found(`m${SHOWN}`)).toEqual([[SHOWN]]);
  const { values } = await metrics.registry.getSingleMetric("glassline_not_shown")!.get();
  const notShown = values.find(({ labels }) => labels.reason === "series_of_camera");
  expect(notShown).toMatchObject({ labels: { kind: "points" }, value: SERIES - SHOWN });
});

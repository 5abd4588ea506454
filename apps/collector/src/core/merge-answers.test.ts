import { create } from "@bufbuild/protobuf";
import {
  AggregateFleetResponseSchema,
  CameraSchema,
  GetLatestResponseSchema,
  GetStatusResponseSchema,
  GetTraceResponseSchema,
  ListTracesResponseSchema,
  QueryRangeResponseSchema,
} from "@glassline/proto/query";
import { expect, test } from "vitest";

import {
  mergeAggregates,
  mergeCameras,
  mergeLatest,
  mergeRanges,
  mergeStatus,
  mergeTrace,
  mergeTraces,
} from "./merge-answers.ts";

const series = (metric: string, axis = "x") => ({ metric, attributes: { axis, site: "north" } });

test("a camera that has moved is shown as the shard says that heard it last", () => {
  const camera = (cameraId: string, lastReceivedUnixNano: bigint, values: Record<string, number>) =>
    create(CameraSchema, {
      cameraId,
      lastReceivedUnixNano,
      values,
      reason: `${lastReceivedUnixNano}`,
    });
  const merged = mergeCameras([
    { cameras: [camera("a", 5n, { iris: 1, focus: 1 }), camera("b", 1n, {})] },
    { cameras: [camera("a", 9n, { iris: 2 })] },
  ]);
  expect(merged).toMatchObject([
    { cameraId: "a", reason: "9", values: { iris: 2, focus: 1 } },
    { cameraId: "b" },
  ]);
});

test("of each series the newest sample", () => {
  const answer = (timeUnixNano: bigint, value: number, axis = "x") =>
    create(GetLatestResponseSchema, {
      camera: { cameraId: "a", seriesCount: 1, lastReceivedUnixNano: timeUnixNano },
      samples: [{ series: series("camera.motion", axis), timeUnixNano, value }],
    });
  const { samples, camera } = mergeLatest([answer(3n, 30), answer(2n, 20), answer(1n, 10, "y")]);
  expect(samples!.map(({ value }) => value)).toEqual([30, 10]);
  expect(camera!.seriesCount).toBe(2);
});

test("ranges become one in order of time, and are thinned again", () => {
  const answer = (times: bigint[], thinned = false) =>
    create(QueryRangeResponseSchema, {
      series: [{ series: series("m"), timeUnixNano: times, value: times.map(Number), thinned }],
    });
  const [whole] = mergeRanges([answer([1n, 4n]), answer([2n, 3n])], 0);
  expect(whole).toMatchObject({ timeUnixNano: [1n, 2n, 3n, 4n], value: [1, 2, 3, 4] });
  expect(whole!.thinned).toBe(false);
  const [thinned] = mergeRanges([answer([1n, 4n]), answer([2n, 3n])], 2);
  expect(thinned).toMatchObject({ timeUnixNano: [1n, 4n], thinned: true });
  expect(mergeRanges([answer([1n]), answer([2n], true)], 0)[0]!.thinned).toBe(true);
});

test("steps of aggregates are added up", () => {
  const answer = (time: bigint, count: bigint, sum: number, least: number, greatest: number) =>
    create(AggregateFleetResponseSchema, {
      timeUnixNano: [time],
      count: [count],
      sum: [sum],
      least: [least],
      greatest: [greatest],
    });
  expect(
    mergeAggregates([answer(60n, 2n, 5, 1, 4), answer(60n, 1n, 7, 7, 7), answer(0n, 1n, 1, 1, 1)]),
  ).toEqual({
    timeUnixNano: [0n, 60n],
    count: [1n, 3n],
    sum: [1, 12],
    least: [1, 1],
    greatest: [1, 7],
  });
});

test("a trace whose spans are at two shards is one", () => {
  const hop = (spanId: string, startUnixNano: bigint, endUnixNano: bigint, instance: string) => ({
    spanId,
    startUnixNano,
    endUnixNano,
    instance,
    attributes: { "camera.id": "a" },
  });
  const trace = mergeTrace("t", [
    create(GetTraceResponseSchema, { hops: [hop("2", 5n, 9n, "node")] }),
    create(GetTraceResponseSchema, {
      hops: [hop("1", 1n, 3n, "camera"), hop("2", 5n, 9n, "node")],
    }),
  ]);
  expect(trace.hops.map(({ spanId }) => spanId)).toEqual(["1", "2"]);
  expect(trace.summary).toMatchObject({
    durationNano: 8n,
    spanCount: 2,
    cameraId: "a",
    services: ["camera", "node"],
  });
  const summary = (
    traceId: string,
    startUnixNano: bigint,
    durationNano: bigint,
    service: string,
  ) => ({
    traceId,
    startUnixNano,
    durationNano,
    spanCount: 1,
    services: [service],
  });
  const listed = mergeTraces(
    [
      create(ListTracesResponseSchema, {
        traces: [summary("t", 5n, 4n, "node"), summary("u", 2n, 1n, "x")],
      }),
      create(ListTracesResponseSchema, { traces: [summary("t", 1n, 2n, "camera")] }),
    ],
    10,
  );
  expect(listed).toMatchObject([
    { traceId: "u" },
    { traceId: "t", durationNano: 8n, spanCount: 2, services: ["camera", "node"] },
  ]);
});

test("status is added up; a producer that has moved is one", () => {
  const answer = (durableSeq: bigint, connected: boolean) =>
    create(GetStatusResponseSchema, {
      logBytes: 10n,
      cameras: 2,
      startedUnixNano: durableSeq,
      dropped: { invalid: 1n },
      producers: [{ producer: "p", incarnation: "ab", durableSeq, connected }],
      startFindings: ["a torn tail"],
    });
  expect(mergeStatus([answer(7n, false), answer(3n, true)])).toMatchObject({
    logBytes: 20n,
    cameras: 4,
    startedUnixNano: 3n,
    dropped: { invalid: 2n },
    producers: [{ durableSeq: 7n, connected: true }],
    startFindings: ["shard 0: a torn tail", "shard 1: a torn tail"],
  });
});

import { wordsOf } from "@glassline/otqmn/words";
import { create, fromBinary } from "@bufbuild/protobuf";
import { CameraState, ListCamerasResponseSchema } from "@glassline/proto/query";
import fc from "fast-check";
import { expect, test } from "vitest";

import { encodeCameraList } from "./camera-list.ts";
import { Fleet } from "./fleet.ts";

const LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: 1_000_000,
  silenceLimitMs: 10_000,
  forgetAfterMs: 10 * 86_400_000,
  seriesMaxPerCamera: 300,
  seriesMax: 1_000_000,
  camerasMax: 1_000,
};
const NOW_MS = 1_790_000_000_000;
const STATES = { live: CameraState.LIVE, fault: CameraState.FAULT, silent: CameraState.SILENT };

interface Sent {
  cameraId: string;
  ageMs: number;
  attributes: Record<string, string>;
  values: [metric: string, value: number][];
}

function addTo(fleet: Fleet, { cameraId, ageMs, attributes, values }: Sent): void {
  const points = {
    series: values.map(([metric], at) => ({
      cameraId,
      metric,
      unit: "1",
      kind: "gauge" as const,
      attributes: { at: String(at) },
    })),
    column: Uint32Array.from(values.keys()),
    value: Float64Array.from(values, ([, value]) => value),
    groupEnd: Uint32Array.of(values.length),
    groupTime: wordsOf(BigUint64Array.of(1n)),
    cameras: [{ cameraId, attributes }],
  };
  fleet.addRecord(1, points, NOW_MS - ageMs);
}

/** As a message, field by field. */
function expectedOf(fleet: Fleet, metrics: readonly string[], forgetAfterMs: number) {
  const cameras = [...fleet.cameras.values()]
    .filter(({ lastReceivedMs }) => NOW_MS - lastReceivedMs < forgetAfterMs)
    .map((camera) => {
      const health = fleet.health(camera, NOW_MS);
      const found = metrics.map((metric) => [metric, fleet.latestOf(camera, metric)] as const);
      return {
        cameraId: camera.cameraId,
        state: STATES[health.state],
        reason: health.state === "live" ? "" : health.reason,
        lastReceivedUnixNano: BigInt(camera.lastReceivedMs) * 1_000_000n,
        attributes: camera.attributes,
        seriesCount: camera.seriesCount,
        values: Object.fromEntries(found.filter(([, value]) => value !== undefined)),
      };
    });
  return create(ListCamerasResponseSchema, { cameras, nowUnixNano: 77n } as never);
}

const listOf = (fleet: Fleet, metrics: readonly string[], forgetAfterMs: number) => {
  const listed = { fleet, nowMs: NOW_MS, forgetAfterMs };
  return fromBinary(ListCamerasResponseSchema, encodeCameraList(listed, metrics, 77n));
};

const metric = fc.constantFrom("a", "camera.status", "Wärme", "m".repeat(200));
const text = fc.string({ unit: "binary", maxLength: 40 }).filter((one) => one !== "__proto__");
const sent = fc.record({
  cameraId: fc.constantFrom("cam-1", "cam-2", "Küche", "c".repeat(300)),
  ageMs: fc.oneof(fc.nat({ max: 20_000 }), fc.constant(NOW_MS)),
  attributes: fc.dictionary(text, text, { noNullPrototype: true, maxKeys: 4 }),
  values: fc.array(fc.tuple(metric, fc.oneof(fc.double(), fc.nat({ max: 3 }))), { maxLength: 150 }),
});

test("the list of cameras is the message that it stands for, also when facts have changed since the last", () => {
  fc.assert(
    fc.property(
      fc.array(sent, { maxLength: 6 }),
      fc.array(sent, { maxLength: 6 }),
      fc.array(fc.oneof(metric, fc.constant("unknown")), { maxLength: 6 }),
      fc.constantFrom(15_000, Number.MAX_SAFE_INTEGER),
      (first, second, metrics, forgetAfterMs) => {
        const fleet = new Fleet(LIMITS);
        for (const reports of [first, second]) {
          for (const one of reports) addTo(fleet, one);
          const expected = expectedOf(fleet, metrics, forgetAfterMs);
          expect(listOf(fleet, metrics, forgetAfterMs)).toEqual(expected);
        }
      },
    ),
  );
});

test("cameras behind the first few hundred may need more room than those", () => {
  const fleet = new Fleet(LIMITS);
  for (let camera = 0; camera < 900; camera++) {
    const attributes = { note: "x".repeat(camera < 300 ? 1 : 1_000) };
    addTo(fleet, { cameraId: `cam-${camera}`, ageMs: 0, attributes, values: [["a", camera]] });
  }
  const listed = listOf(fleet, ["a"], Number.MAX_SAFE_INTEGER);
  expect(listed).toEqual(expectedOf(fleet, ["a"], Number.MAX_SAFE_INTEGER));
  expect(listed.cameras).toHaveLength(900);
});

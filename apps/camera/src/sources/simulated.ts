/** A fleet of simulated cameras. They report once an interval, spread evenly over it. */
import type { Series } from "@glassline/otqmn/sample";
import type { Clock } from "@glassline/service/clock";
import type { Random } from "@glassline/service/random";
import { seededRandom } from "@glassline/service/random";
import { METRICS } from "@glassline/telemetry/conventions";

import type { SimulatedCamera } from "../core/simulated-camera.ts";
import {
  isSilent,
  measure,
  newSimulatedCamera,
  stepSimulatedCamera,
} from "../core/simulated-camera.ts";
import type { CameraReport, Source } from "./source.ts";

export interface SimulatedOptions {
  count: number;
  /** What the ids of the cameras begin with. */
  idPrefix?: string;
  seed: number;
  intervalMs: number;
  clock: Clock;
}

/** How often the fleet is looked at. */
const STEP_MS = 50;
/** Steps that were missed, e.g. in a sleeping machine, are not made up for beyond this. */
const STEP_MAX_S = 10;

interface Member {
  cameraId: string;
  camera: SimulatedCamera;
  random: Random;
  series: ReadonlyMap<string, Series>;
  intervalMs: number;
  dueMs: number;
  steppedMs: number;
}

export function simulatedSource({
  count,
  idPrefix = "cam-",
  seed,
  intervalMs,
  clock,
}: SimulatedOptions): Source {
  const startMs = clock.nowMs();
  const members = Array.from({ length: count }, (_, index) =>
    newMember(index, { idPrefix, seed, intervalMs }, startMs + (index * intervalMs) / count),
  );
  return {
    cameras: members.map(({ cameraId }, index) => ({ cameraId, attributes: factsOf(index, seed) })),
    async *reports(signal) {
      while (!signal.aborted) {
        const nowMs = clock.nowMs();
        for (const member of members) {
          if (member.dueMs > nowMs) continue;
          const report = stepMember(member, nowMs, clock.nowUnixNano());
          if (report) yield report;
        }
        await clock.sleep(STEP_MS, signal).catch(() => {});
      }
    },
    obey({ cameraId, action }) {
      const named = members.filter((member) => cameraId === "" || member.cameraId === cameraId);
      for (const member of named) {
        if ("samplingIntervalMs" in action) member.intervalMs = action.samplingIntervalMs;
        // Whatever the action, the next report does not wait for the old interval to end.
        member.dueMs = clock.nowMs();
      }
      return named.length > 0;
    },
  };
}

function newMember(
  index: number,
  {
    idPrefix,
    seed,
    intervalMs,
  }: Required<Pick<SimulatedOptions, "idPrefix" | "seed" | "intervalMs">>,
  dueMs: number,
): Member {
  const cameraId = `${idPrefix}${String(index + 1).padStart(4, "0")}`;
  const random = seededRandom(seed * 1_000_003 + index);
  const site = { latitudeDegrees: 48 + random(), longitudeDegrees: 11 + random() };
  const camera = newSimulatedCamera(site, dueMs, random);
  return {
    cameraId,
    camera,
    random,
    series: seriesOf(cameraId, measure(camera, dueMs)),
    intervalMs,
    dueMs,
    steppedMs: dueMs,
  };
}

function seriesOf(cameraId: string, values: Record<string, number>): Map<string, Series> {
  return new Map(
    Object.keys(values).map((metric) => {
      const { unit, kind } = METRICS[metric]!;
      return [metric, { cameraId, metric, unit, kind, attributes: {} }];
    }),
  );
}

function stepMember(member: Member, nowMs: number, timeUnixNano: bigint): CameraReport | undefined {
  const lengthS = Math.min(STEP_MAX_S, Math.max(0.001, (nowMs - member.steppedMs) / 1_000));
  member.camera = stepSimulatedCamera(member.camera, nowMs, lengthS, member.random);
  member.steppedMs = nowMs;
  member.dueMs = Math.max(member.dueMs + member.intervalMs, nowMs);
  if (isSilent(member.camera)) return undefined;
  const samples = Object.entries(measure(member.camera, nowMs)).map(([metric, value]) => ({
    series: member.series.get(metric)!,
    timeUnixNano,
    value,
  }));
  return { cameraId: member.cameraId, samples };
}

function factsOf(index: number, seed: number): Record<string, string> {
  const gates = ["north gate", "south stand", "main stage", "pit lane", "harbour", "concourse"];
  return {
    "camera.source": "simulated",
    "camera.location": `${gates[index % gates.length]} ${Math.floor(index / gates.length) + 1}`,
    "device.manufacturer": "Glassline",
    "device.model.name": "simulated camera",
    "simulation.seed": String(seed),
  };
}

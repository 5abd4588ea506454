import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { CodecError } from "@glassline/otqmn/codec-error";
import { LogRefusal } from "@glassline/segment-log";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { trace } from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { ResolvedReport } from "../core/bundle-cutter.ts";
import { meshMetrics } from "../metrics.ts";
import type { ReportOwner } from "./intake.ts";
import { Intake } from "./intake.ts";
import { Ring } from "./ring.ts";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-intake-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const SERIES = {
  cameraId: "cam",
  metric: "m",
  unit: "1",
  kind: "gauge",
  attributes: {},
} as const;

const report = (seq: number, agent = "agent-1"): ResolvedReport => ({
  agent,
  incarnation: "00ff",
  seq,
  facts: undefined,
  series: [SERIES],
  timeUnixNano: [BigInt(seq)],
  value: [seq],
  traceContext: new Uint8Array(0),
});

/** A ring whose first appends fail, some time after they were asked for. */
function failing(ring: Ring, ...faults: Error[]): Ring {
  const append: Ring["append"] = async (...words) => {
    const fault = faults.shift();
    if (!fault) return ring.append(...words);
    await delay(20);
    throw fault;
  };
  return new Proxy(ring, {
    get: (_, name) => (name === "append" ? append : Reflect.get(ring, name, ring)),
  });
}

function intakeInto(ring: Ring): Intake {
  return new Intake({
    ring,
    clock: systemClock,
    metrics: meshMetrics(createMetrics("mesh-node")),
    tracer: trace.getTracer("test"),
    logger: createLogger("mesh-node", "silent"),
    appended: () => {},
  });
}

function listener(): ReportOwner & { heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    acknowledged: (seq) => heard.push(`acknowledged ${seq}`),
    refused: (seq, because) => heard.push(`refused ${seq}: ${because}`),
  };
}

async function valuesOn(ring: Ring): Promise<number[]> {
  const values: number[] = [];
  for (let seq = 1; seq <= ring.headSeq; seq++) values.push(...(await ring.read(seq)).bundle.value);
  return values;
}

describe("the intake", () => {
  test("stores nothing of an agent behind a report that was refused, until that one comes again", async () => {
    await using ring = await Ring.open({ directory, maxBytes: 8_388_608 });
    await using intake = intakeInto(failing(ring, new LogRefusal("disk", "no room")));
    const [owner, other] = [listener(), listener()];
    intake.add(report(1), owner);
    const failed = intake.settle();
    intake.add(report(2), owner);
    intake.add(report(1, "agent-2"), other);
    await failed;
    await intake.settle();
    expect(owner.heard).toEqual(["refused 1: store_unavailable"]);
    expect(other.heard).toEqual(["acknowledged 1"]);
    expect(ring.agentMark("agent-1")).toBeUndefined();

    for (const seq of [1, 2]) intake.add(report(seq), owner);
    await intake.settle();
    expect(owner.heard.at(-1)).toBe("acknowledged 2");
    expect(await valuesOn(ring)).toEqual([1, 1, 2]);
  });

  test("stores reports that are too much for one bundle each by itself, before those that came later", async () => {
    await using ring = await Ring.open({ directory, maxBytes: 8_388_608 });
    await using intake = intakeInto(failing(ring, new CodecError("too much")));
    const owner = listener();
    for (const seq of [1, 2]) intake.add(report(seq), owner);
    const failed = intake.settle();
    intake.add(report(3), owner);
    await failed;
    await intake.settle();
    expect(owner.heard).toEqual(["acknowledged 1", "acknowledged 2", "acknowledged 3"]);
    expect(await valuesOn(ring)).toEqual([1, 2, 3]);
  });
});

/** Producers that bring twice as much as a limit allows: what is held is bounded, what is refused is told and counted, the rest is stored. */
import { STREAM_LIMITS } from "@glassline/otqmn/limits";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import { NackCode, OtqmnService } from "@glassline/proto/otqmn";
import { addService } from "@glassline/proto/rpc";
import { LogRefusal } from "@glassline/segment-log";
import { systemClock } from "@glassline/service/clock";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";
import { trace } from "@opentelemetry/api";
import { expect, test } from "vitest";

import { Fleet } from "../core/fleet.ts";
import { Producers } from "../core/producers.ts";
import { collectorMetrics } from "../metrics.ts";
import type { Closable } from "../core/memory-limit.ts";
import type { Pipeline, ReceivedBatch } from "../pipeline.ts";
import { createOtqmnReceiver } from "./otqmn.ts";
import { OtqmnPeer } from "./otqmn.testing.ts";

const MIB = 1_048_576;
const MEMORY_BYTES = 32 * MIB;
const FLEET_LIMITS = {
  recentWindowMs: 60_000,
  recentMaxBytes: MIB,
  silenceLimitMs: 60_000,
  forgetAfterMs: 60_000,
  seriesMaxPerCamera: 10,
  seriesMax: 10,
  camerasMax: 10,
};

interface Settings {
  streamsMax?: number;
  admissionsPerSecond?: number;
  /** The log refuses batches from here on. */
  refusedFrom?: number;
  decodersBytes?: number;
  memoryLimit?: Closable;
}

/** A receiver on a real socket, before a disk that syncs nothing until it is told to. */
async function startReceiver({
  streamsMax = 100,
  admissionsPerSecond = 100,
  refusedFrom = Number.POSITIVE_INFINITY,
  decodersBytes = MEMORY_BYTES,
  memoryLimit = { closedBecause: undefined },
}: Settings = {}) {
  await using stack = new AsyncDisposableStack();
  const issue = await ephemeralPki();
  const identity = await issue({ role: "collector", instance: "collector" });
  const metrics = collectorMetrics(createMetrics("collector"));
  const disk = Promise.withResolvers<void>();
  const stored: number[] = [];
  const appendBatch = async (producer: { durableSeq: number }, { seq }: ReceivedBatch) => {
    if (seq >= refusedFrom) throw new LogRefusal("busy", "the log is busy");
    await disk.promise;
    stored.push((producer.durableSeq = seq));
  };
  const always = () => true;
  const pipeline = { onSegment: () => {}, keepsRun: always, isRunYoung: always, appendBatch };
  const receiver = stack.use(
    createOtqmnReceiver({
      pipeline: pipeline as unknown as Pipeline,
      metrics,
      fleet: new Fleet(FLEET_LIMITS),
      producers: new Producers(),
      tracer: trace.getTracer("test"),
      clock: systemClock,
      logger: createLogger("collector", "silent"),
      random: Math.random,
      identity,
      streamLifetimeMs: 600_000,
      admissionsPerSecond,
      streamsMax,
      memoryBytes: MEMORY_BYTES,
      decodersBytes,
      memoryLimit,
      claim: async () => 0,
    }),
  );
  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, OtqmnService, { stream: (call) => receiver.accept(call) });
  const port = await listenGrpc(server, "test", "127.0.0.1", 0, mutualTlsServer(identity));
  stack.defer(() => closeGrpc(server, 0));
  const peers = stack.adopt([] as OtqmnPeer[], (all) =>
    all.forEach((one) => one[Symbol.dispose]()),
  );
  const parts = stack.move();
  return {
    disk,
    stored,
    release: receiver.release,
    peer: async (name: string) => {
      const peer = new OtqmnPeer(port, await issue({ role: "mesh-node", instance: name }));
      peers.push(peer);
      return peer;
    },
    dropped: async (reason: string) => {
      const { values } = await metrics.dropped.get();
      return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
    },
    gauge: async (name: "otqmnBytes" | "decoderBytes" | "streams" | "admissionsWaiting") =>
      (await metrics[name].get()).values[0]!.value,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

test("a producer is released when all that was handed to the log is durable, though a later batch was refused before", async () => {
  await using receiver = await startReceiver({ refusedFrom: 3 });
  const peer = (await receiver.peer("node-1")).hello();
  await peer.expect("welcome");
  for (let seq = 1; seq <= 3; seq++) peer.batch(seq);
  await peer.expect("nack");
  let released: number | undefined;
  const releasing = receiver
    .release("node-1", new Uint8Array(16).fill(7))
    .then((durableSeq) => (released = durableSeq));
  await systemClock.sleep(50);
  expect(released).toBeUndefined();
  receiver.disk.resolve();
  expect(await releasing).toBe(2);
});

/** Points of one series, one a second. */
function pointsOf(count: number): Uint8Array {
  const bundle = {
    ...EMPTY_BUNDLE,
    series: [{ cameraId: "cam-1", metric: "m", unit: "1", kind: "gauge" as const, attributes: {} }],
    seriesIndex: new Uint32Array(count),
    timeUnixNano: BigUint64Array.from({ length: count }, (_, at) => BigInt(at) * 1_000_000_000n),
    value: new Float64Array(count),
  };
  return encodeBundle(bundle, { ...STREAM_LIMITS, batchMaxPoints: count });
}

/** A point of each of so many series. */
function seriesOf(count: number): Uint8Array {
  const each = Array.from({ length: count }, (_, at) => at);
  const one = { cameraId: "cam-1", unit: "1", kind: "gauge" as const, attributes: {} };
  return encodeBundle({
    ...EMPTY_BUNDLE,
    series: each.map((at) => ({ ...one, metric: `metric-${at}` })),
    seriesIndex: Uint32Array.from(each),
    timeUnixNano: new BigUint64Array(count).fill(1_000_000_000n),
    value: Float64Array.from(each),
  });
}

/** Facts of about so many times 4 KiB. */
function factsOf(count: number): Uint8Array {
  const attributes = { note: "x".repeat(4_096) };
  const cameras = Array.from({ length: count }, (_, at) => ({ cameraId: `cam-${at}`, attributes }));
  return encodeBundle({ ...EMPTY_BUNDLE, cameras });
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `node-${at}`);

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(10);
}

test("a producer that sends twice its credit is refused, and what it sent is let go", async () => {
  await using receiver = await startReceiver();
  const peer = (await receiver.peer("node-1")).hello();
  const { creditBytes } = await peer.expect("welcome");
  // The first one is missing, so all others wait. The credit may be passed by less than a batch.
  const batches = (2 * Number(creditBytes)) / MIB;
  for (let seq = 2; seq <= batches; seq++) peer.batch(seq, new Uint8Array(MIB));
  await until(async () => (await receiver.gauge("otqmnBytes")) === (batches - 1) * MIB);
  peer.batch(batches + 1, new Uint8Array(MIB));
  const nack = await peer.expect("nack", ({ code }) => code === NackCode.INVALID);
  expect(nack.reason).toMatch(/^batch 9: got 4194304 bytes beyond the credit, expected less than/);
  expect(await receiver.dropped("nack_beyond_credit")).toBe(1);
  await until(async () => (await receiver.gauge("otqmnBytes")) === 0);
});

test("a batch of twice the size is refused before it is read, and before it waits", async () => {
  await using receiver = await startReceiver();
  for (const seq of [1, 2]) {
    const peer = (await receiver.peer(`node-${seq}`)).hello();
    const { limits } = await peer.expect("welcome");
    const largest = limits!.batchMaxBytes;
    peer.batch(seq, new Uint8Array(2 * largest - 100));
    const { code, reason } = await peer.expect("nack");
    expect([code, reason]).toEqual([
      NackCode.INVALID,
      `batch ${seq}: got ${2 * largest - 100} bytes, expected at most ${largest}`,
    ]);
  }
});

test("a batch of twice the points is refused, and none of it is stored", async () => {
  await using receiver = await startReceiver();
  receiver.disk.resolve();
  const peer = (await receiver.peer("node-1")).hello();
  const { limits } = await peer.expect("welcome");
  peer.batch(1, pointsOf(2 * limits!.batchMaxPoints));
  const { code, reason } = await peer.expect("nack");
  expect(code).toBe(NackCode.INVALID);
  expect(reason).toMatch(/expected 0 to 200000|more than 200000/);
  expect(await receiver.dropped("nack_invalid")).toBe(1);
  expect(receiver.stored).toEqual([]);
});

test("batches that wait for an earlier one take half of the memory; what does not fit comes again", async () => {
  await using receiver = await startReceiver();
  const payload = factsOf(160);
  const peers = await Promise.all(names(32).map(receiver.peer));
  for (const peer of peers) peer.hello();
  await Promise.all(peers.map((peer) => peer.expect("welcome")));
  for (const peer of peers) for (const seq of [2, 3]) peer.batch(seq, payload);
  for (const peer of peers) {
    await peer.expect("nack", ({ code }) => code === NackCode.GAP);
    peer.send({ case: "heartbeat", value: {} });
    await peer.expect("heartbeat");
  }
  expect(2 * peers.length * payload.length).toBeGreaterThan(MEMORY_BYTES);
  const kept = Math.floor(MEMORY_BYTES / 2 / payload.length);
  await until(async () => (await receiver.gauge("otqmnBytes")) === kept * payload.length);
  receiver.disk.resolve();
  for (const peer of peers) {
    peer.batch(1, payload).batch(2, payload).batch(3, payload);
    await peer.expect("ack", ({ durableSeq }) => durableSeq === 3n);
  }
  expect(receiver.stored).toHaveLength(3 * peers.length);
  await until(async () => (await receiver.gauge("otqmnBytes")) === 0);
});

test.each([
  ["points", 4, () => pointsOf(200_000)],
  ["payloads", 12, () => factsOf(160)],
] as const)(
  "while the disk is behind, %s of all streams are bounded; those beyond are refused, and come again",
  async (_what, batches, make) => {
    await using receiver = await startReceiver();
    const payload = make();
    const peers = await Promise.all(names(8).map(receiver.peer));
    for (const peer of peers) {
      peer.hello();
      await peer.expect("welcome");
      for (let seq = 1; seq <= batches; seq++) peer.batch(seq, payload);
    }
    const refused = () =>
      peers.filter(({ answers }) =>
        answers.some((one) => one.case === "nack" && one.value.code === NackCode.UNAVAILABLE),
      );
    await until(async () => refused().length >= 2);
    expect(await receiver.gauge("otqmnBytes")).toBeLessThanOrEqual(MEMORY_BYTES);
    receiver.disk.resolve();
    await until(async () => (await receiver.gauge("otqmnBytes")) === 0);
    await until(async () => (await receiver.dropped("otqmn_memory")) === refused().length);
    const again = (await receiver.peer(refused()[0]!.name)).hello();
    const { durableSeq } = await again.expect("welcome");
    for (let seq = Number(durableSeq) + 1; seq <= batches; seq++) again.batch(seq, payload);
    await again.expect("ack", (ack) => ack.durableSeq === BigInt(batches));
  },
);

test("what decoders remember is bounded over all streams, and is free when a stream ends", async () => {
  const payload = seriesOf(10_000);
  await using receiver = await startReceiver({ decodersBytes: 4 * MIB });
  receiver.disk.resolve();
  const peers = await Promise.all(names(8).map(receiver.peer));
  const refused: OtqmnPeer[] = [];
  for (const peer of peers) {
    await peer.hello().expect("welcome");
    peer.batch(1, payload);
    await until(async () => peer.answers.some(({ case: is }) => is === "ack" || is === "nack"));
    const nack = peer.answers.find((one) => one.case === "nack");
    if (nack) refused.push(peer);
    expect(nack?.value).toEqual(
      nack &&
        expect.objectContaining({
          code: NackCode.UNAVAILABLE,
          reason: expect.stringMatching(/^decoders of all streams: .*expected at most 4194304/),
        }),
    );
  }
  expect(refused.length).toBeGreaterThanOrEqual(4);
  expect(refused.length).toBeLessThan(8);
  expect(await receiver.dropped("otqmn_decoders")).toBe(refused.length);
  await until(async () => (await receiver.gauge("decoderBytes")) > 2 * MIB);
  for (const peer of peers) peer[Symbol.dispose]();
  await until(async () => (await receiver.gauge("decoderBytes")) === 0);
  const again = (await receiver.peer(refused[0]!.name)).hello();
  await again.expect("welcome");
  await again.batch(1, payload).expect("ack", ({ durableSeq }) => durableSeq === 1n);
});

test("above the limit of the process nothing is taken in; below it producers go on", async () => {
  const memoryLimit: { closedBecause: string | undefined } = { closedBecause: undefined };
  await using receiver = await startReceiver({ memoryLimit });
  receiver.disk.resolve();
  const peer = (await receiver.peer("node-1")).hello();
  await peer.expect("welcome");
  await peer.batch(1, pointsOf(1)).expect("ack", ({ durableSeq }) => durableSeq === 1n);
  memoryLimit.closedBecause = "memory in use: got too much";
  peer.batch(2, pointsOf(1));
  const { code, reason } = await peer.expect("nack");
  expect([code, reason]).toEqual([
    NackCode.UNAVAILABLE,
    "batches of all streams: memory in use: got too much",
  ]);
  expect(receiver.stored).toEqual([1]);
  memoryLimit.closedBecause = undefined;
  const again = (await receiver.peer("node-1")).hello();
  expect((await again.expect("welcome")).durableSeq).toBe(1n);
  await again.batch(2, pointsOf(1)).expect("ack", ({ durableSeq }) => durableSeq === 2n);
});

test("streams beyond the limit are refused; when others go, they are let in", async () => {
  await using receiver = await startReceiver({ streamsMax: 4 });
  const peers = await Promise.all(names(8).map(receiver.peer));
  for (const peer of peers) peer.hello();
  await until(async () => peers.every(({ answers }) => answers.length > 0));
  const refused = peers.filter(({ ended }) => ended);
  expect(refused).toHaveLength(4);
  const { reason } = await refused[0]!.expect("nack");
  expect(reason).toMatch(/4 streams are open, expected at most 4/);
  expect(await receiver.dropped("too_many_streams")).toBe(4);
  for (const peer of peers) peer[Symbol.dispose]();
  await until(async () => (await receiver.gauge("streams")) === 0);
  await (await receiver.peer("late")).hello().expect("welcome");
});

test("producers that go while they wait for their turn wait no longer", async () => {
  await using receiver = await startReceiver({ admissionsPerSecond: 1 });
  const peers = await Promise.all(names(11).map(receiver.peer));
  for (const peer of peers) peer.hello();
  await until(async () => (await receiver.gauge("admissionsWaiting")) === 10);
  const isIn = ({ answers }: OtqmnPeer) => answers.some((one) => one.case === "welcome");
  const waiting = peers.filter((peer) => !isIn(peer));
  // By its own end, by a second Hello, by the end of its connection.
  waiting[0]!.end();
  waiting[1]!.hello();
  for (const peer of waiting.slice(2, -1)) peer[Symbol.dispose]();
  await until(async () => (await receiver.gauge("admissionsWaiting")) <= 1);
  await waiting.at(-1)!.expect("welcome");
});

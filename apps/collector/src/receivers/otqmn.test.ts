/** The OTQMN receiver on a real socket, spoken to by hand: what a peer may do, and what it may not. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { signHello } from "@glassline/otqmn/hello";
import type { Series } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import { jsonClient } from "@glassline/proto/json";
import { NackCode } from "@glassline/proto/otqmn";
import { QueryService } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import { ephemeralPki } from "@glassline/service/pki";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Collector } from "../collector.ts";
import { startByFlags } from "../collector.testing.ts";
import { METRIC, OtqmnPeer, bundle } from "./otqmn.testing.ts";

const NODE = { role: "mesh-node", instance: "node-1" } as const;

let directory: string;
let collector: Collector;
let issue: Awaited<ReturnType<typeof ephemeralPki>>;
let identity: Identity;
let opened: Disposable[];

async function start(...words: string[]): Promise<void> {
  const common = ["--port=0", "--admin-port=0", `--data-dir=${directory}`];
  const identity = await issue({ role: "collector", instance: "collector" });
  collector = await startByFlags([...common, ...words], identity);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "glassline-otqmn-"));
  issue = await ephemeralPki();
  identity = await issue(NODE);
  opened = [];
  await start();
});
afterEach(async () => {
  for (const one of opened) one[Symbol.dispose]();
  await collector[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const query = () => jsonClient(QueryService, `http://localhost:${collector.addresses.adminPort}`);

class Peer extends OtqmnPeer {
  constructor(as: Identity = identity) {
    super(collector.addresses.port, as);
    opened.push(this);
  }
}

async function stored(): Promise<number[]> {
  const { series } = await query().queryRange({ cameraId: "cam-1", metric: METRIC });
  return series[0]!.value;
}

describe("a producer", () => {
  test("is welcomed, sends, and is acknowledged when its batches are durable", async () => {
    const peer = new Peer().hello();
    expect((await peer.expect("welcome")).durableSeq).toBe(0n);
    for (let seq = 1; seq <= 5; seq++) peer.batch(seq);
    await peer.expect("ack", ({ durableSeq }) => durableSeq === 5n);
    const given = peer.answers.map((one) => (one.case === "ack" ? one.value.creditBytes : 0n));
    expect(given.reduce((sum, bytes) => sum + bytes)).toBe(BigInt(5 * bundle(1).length));
    expect(peer.answers.some((one) => one.case === "keyBatchRequest")).toBe(false);
    expect(await stored()).toEqual([1, 2, 3, 4, 5]);
  });

  test("is answered to heartbeats", async () => {
    const peer = new Peer().hello();
    await peer.expect("welcome");
    peer.send({ case: "heartbeat", value: { sentAtUnixNano: 1n } });
    await peer.expect("heartbeat");
  });

  test("that sends again what is stored is acknowledged, and nothing is stored twice, also after a restart", async () => {
    const peer = new Peer().hello();
    for (let seq = 1; seq <= 3; seq++) peer.batch(seq);
    await peer.expect("ack", ({ durableSeq }) => durableSeq === 3n);
    peer.batch(2);
    await systemClock.sleep(50);
    await collector[Symbol.asyncDispose]();
    await start();

    const again = new Peer().hello();
    expect((await again.expect("welcome")).durableSeq).toBe(3n);
    for (let seq = 1; seq <= 4; seq++) again.batch(seq);
    await again.expect("ack", ({ durableSeq }) => durableSeq === 4n);
    expect(await stored()).toEqual([1, 2, 3, 4]);
    expect((await query().getStatus()).replays).toBe(3n);
  });

  test("is told of a gap, once, and its early batches are kept in order", async () => {
    const peer = new Peer().hello();
    await peer.expect("welcome");
    peer.batch(1).batch(3).batch(4);
    expect(await peer.expect("nack", ({ code }) => code === NackCode.GAP)).toMatchObject({
      seq: 2n,
    });
    peer.batch(2);
    await peer.expect("ack", ({ durableSeq }) => durableSeq === 4n);
    expect(await stored()).toEqual([1, 2, 3, 4]);
    expect(peer.answers.filter((answer) => answer.case === "nack")).toHaveLength(1);
  });

  test("that opens a second stream takes over from the first", async () => {
    const first = new Peer().hello();
    first.batch(1);
    await first.expect("ack");
    const second = new Peer().hello();
    expect((await second.expect("welcome")).durableSeq).toBe(1n);
    expect(await first.expect("nack", ({ code }) => code === NackCode.SUPERSEDED)).toMatchObject({
      reason: /newer stream/ as never,
    });
    first.batch(2);
    second.batch(2);
    await second.expect("ack", ({ durableSeq }) => durableSeq === 2n);
    expect(await stored()).toEqual([1, 2]);
    first[Symbol.dispose]();
    await systemClock.sleep(100);
    expect((await query().getStatus()).producers).toMatchObject([{ connected: true }]);
  });

  test("with a new incarnation begins at 1 again, and what it sends is new", async () => {
    const old = new Peer().hello();
    old.batch(1);
    await old.expect("ack");
    const renewed = new Peer().hello({}, 1n, new Uint8Array(16).fill(9));
    expect((await renewed.expect("welcome")).durableSeq).toBe(0n);
    renewed.batch(1);
    await renewed.expect("ack", ({ durableSeq }) => durableSeq === 1n);
    expect(await stored()).toEqual([1, 1]);
  });

  test("waits for its turn when many come at once, and hears meanwhile that it is not forgotten", async () => {
    await collector[Symbol.asyncDispose]();
    const perSecond = 5;
    await start(`--admission-rate=${perSecond}`);
    const names = Array.from({ length: 20 }, (_, at) => `node-${at}`);
    const identities = await Promise.all(
      names.map((instance) => issue({ role: "mesh-node", instance })),
    );
    const fromMs = performance.now();
    const peers = identities.map((one) => new Peer(one).hello());
    const welcomed = () =>
      peers.filter((peer) => peer.answers.some((one) => one.case === "welcome")).length;
    // At once as many as in a second, and then so many a second.
    for (let count = 0; count < peers.length; await systemClock.sleep(20)) {
      count = welcomed();
      const elapsedS = (performance.now() - fromMs) / 1_000;
      expect(count).toBeLessThanOrEqual(perSecond * (1 + elapsedS));
      expect(elapsedS).toBeLessThan(15);
    }
    expect(peers.some((peer) => peer.answers[0]?.case === "heartbeat")).toBe(true);
  });

  test("is asked to drain when its stream is old", async () => {
    await collector[Symbol.asyncDispose]();
    await start("--stream-lifetime=1s");
    const peer = new Peer().hello();
    await peer.expect("drain");
  });
});

describe("refused with a reason", () => {
  const nack = async (peer: Peer, code: NackCode, reason: RegExp) => {
    const value = await peer.expect("nack");
    expect(value.reason).toMatch(reason);
    expect(value.code).toBe(code);
    for (let tries = 0; tries < 100 && !peer.ended; tries++) await systemClock.sleep(10);
    expect(peer.ended).toBe(true);
  };

  test.each([
    [
      "a forged signature",
      { signature: new Uint8Array(64) },
      /signature: got one that does not fit/,
    ],
    [
      "another producer's name",
      { producer: "node-9" },
      /certificate: got one of mesh-node node-1, expected producer node-9/,
    ],
    ["an old Hello", { signedAtUnixNano: 5n }, /signed_at: got \d+ ms ago/],
    [
      "a short incarnation",
      { incarnation: new Uint8Array(3) },
      /incarnation: got 3 bytes, expected 16/,
    ],
    [
      "no certificate",
      { certificate: new Uint8Array(9) },
      /certificate: got 9 bytes that are not one/,
    ],
    [
      "an unknown codec",
      { capabilities: ["morse/1"] },
      /capabilities: got morse\/1, expected stream\/1/,
    ],
  ])("%s", async (_name, change, reason) => {
    await nack(new Peer().hello(change), NackCode.UNAUTHENTICATED, reason);
  });

  test("a Hello signed by a stranger's CA", async () => {
    const stranger = await (await ephemeralPki())(NODE);
    const hello = signHello(
      { producer: "node-1", incarnation: new Uint8Array(16), firstUnackedSeq: 1n },
      stranger,
      systemClock.nowUnixNano(),
    );
    await nack(
      new Peer().send({ case: "hello", value: hello }),
      NackCode.UNAUTHENTICATED,
      /certificate: got one of another CA/,
    );
  });

  test("a Batch before Hello, a second Hello, a batch that is not one", async () => {
    await nack(new Peer().batch(1), NackCode.INVALID, /got a Batch, expected Hello/);
    const twice = new Peer().hello();
    await twice.expect("welcome");
    await nack(twice.hello(), NackCode.INVALID, /second Hello/);
    const wrong = new Peer().hello({}, 1n, new Uint8Array(16).fill(2));
    await wrong.expect("welcome");
    await nack(wrong.batch(1, new Uint8Array([1, 2, 3])), NackCode.INVALID, /batch|points/);
    expect((await query().getStatus()).batchesStored).toBe(0n);
  });

  test("a batch whose key_seq does not say what its bytes are", async () => {
    const peer = new Peer().hello();
    await peer.expect("welcome");
    peer.batch(1);
    await peer.expect("ack", ({ durableSeq }) => durableSeq === 1n);
    peer.send({ case: "batch", value: { seq: 2n, keySeq: 1n, payload: bundle(2) } });
    await nack(peer, NackCode.INVALID, /got a key batch, expected what key_seq 1 says/);
    expect(await stored()).toEqual([1]);
  });

  test("a caller that is no producer", async () => {
    const page = await issue({ role: "dashboard", instance: "page" });
    const peer = new Peer(page);
    expect((await peer.expect("nack")).reason).toContain("dashboard page may not call this");
  });
});

test("older points are read back from the log when memory has let them go, in order and complete", async () => {
  await collector[Symbol.asyncDispose]();
  await start("--recent-window=1s", "--segment-size=64KiB");
  const peer = new Peer().hello();
  await peer.expect("welcome");
  const count = 1_500;
  for (let seq = 1; seq <= count; seq++) peer.batch(seq);
  await peer.expect("ack", ({ durableSeq }) => durableSeq === BigInt(count), 20_000);
  await systemClock.sleep(3_500);
  expect(
    (await readdir(join(directory, "log"))).filter((name) => name.endsWith(".seg")).length,
  ).toBeGreaterThan(2);
  const { series } = await query().queryRange({
    cameraId: "cam-1",
    metric: METRIC,
    fromUnixNano: 1n,
  });
  expect(series[0]!.value).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  const fleet = await query().aggregateFleet({ metric: METRIC });
  expect(fleet).toMatchObject({
    count: [BigInt(count)],
    sum: [(count * (count + 1)) / 2],
    least: [1],
    greatest: [count],
  });
  expect(fleet.timeUnixNano).toEqual([1_789_999_980_000_000_000n]);
  await expect(query().aggregateFleet({ metric: "none" })).rejects.toThrow(/no camera has it/);
});

test("a camera that was heard long ago is known after a start, with its facts and history", async () => {
  await collector[Symbol.asyncDispose]();
  await start("--segment-size=64KiB");
  const other = (seq: number) => {
    const series: Series = {
      cameraId: "once",
      metric: METRIC,
      unit: "{frame}",
      kind: "counter",
      attributes: { lens: "left" },
    };
    return encodeBundle({
      ...EMPTY_BUNDLE,
      series: [series],
      seriesIndex: Uint32Array.of(0),
      timeUnixNano: BigUint64Array.of(BigInt(seq)),
      value: Float64Array.of(42),
      cameras: [{ cameraId: "once", attributes: { "device.model.name": "HERO5" } }],
    });
  };
  const peer = new Peer().hello();
  await peer.expect("welcome");
  peer.batch(1, other(1));
  const count = 3_000;
  for (let seq = 2; seq <= count; seq++) peer.batch(seq);
  await peer.expect("ack", ({ durableSeq }) => durableSeq === BigInt(count), 20_000);
  expect(
    (await readdir(join(directory, "log"))).filter((name) => name.endsWith(".seg")).length,
  ).toBeGreaterThan(4);
  await collector[Symbol.asyncDispose]();
  await start();

  const { camera, samples } = await query().getLatest({ cameraId: "once" });
  expect(camera!.attributes).toEqual({ "device.model.name": "HERO5" });
  expect(samples).toMatchObject([
    { value: 42, timeUnixNano: 1n, series: { attributes: { lens: "left" } } },
  ]);
  const { series } = await query().queryRange({ cameraId: "once", metric: METRIC });
  expect(series[0]!.value).toEqual([42]);
  expect((await query().listCameras()).cameras.map(({ cameraId }) => cameraId).toSorted()).toEqual([
    "cam-1",
    "once",
  ]);
  expect((await stored()).length).toBe(count - 1);
});

/** A collector of two shards, as processes: spoken to by producers, asked, and hurt. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { platform } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

import { ControlService } from "@glassline/proto/control";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import { createClient } from "@glassline/proto/rpc";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { afterEach, beforeEach, expect, test } from "vitest";

import { CountedPoints, METRIC } from "../../torture/counted-points.ts";
import { OtqmnProducer } from "../../torture/otqmn-producer.ts";
import type { Collector } from "../collector.ts";
import { Collectors, kill } from "../exporters/collectors.testing.ts";

const STREAM_LIFETIME_MS = 1_000;
const NODES = [1, 2, 3, 4].map((at): PeerName => ({ role: "mesh-node", instance: `node-${at}` }));
const OPSBOT: PeerName = { role: "opsbot", instance: "opsbot" };
const START = BigInt(Date.now()) * 1_000_000n;

let stack: AsyncDisposableStack;
let collectors: Collectors;
let child: ChildProcess;
let addresses: Collector["addresses"];

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  collectors = stack.use(await Collectors.open());
  await ensureDevelopmentPki(collectors.pkiDir, [...NODES, OPSBOT]);
  [child, addresses] = await collectors.spawn("sharded", [
    "--shards=2",
    `--stream-lifetime=${STREAM_LIFETIME_MS}ms`,
  ]);
});
afterEach(() => stack.disposeAsync());

const query = () => jsonClient(QueryService, `http://localhost:${addresses.adminPort}`);

async function produce(at: number): Promise<OtqmnProducer> {
  return stack.use(
    new OtqmnProducer({
      identity: await readIdentity(collectors.pkiDir, NODES[at]!),
      port: addresses.port,
      points: new CountedPoints(at + 1, START, 1_000_000),
      bundlePoints: 20,
      intervalMs: 20,
      random: Math.random,
    }),
  );
}

async function eventually(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < 45_000; waitedMs += 50) {
    if (await isSo()) return;
    await delay(50);
  }
  throw new Error(`expected in 45 s: ${what}`);
}

/** By shard. */
async function metric(name: string): Promise<Record<string, number>> {
  const answer = await fetch(`http://localhost:${addresses.adminPort}/metrics`);
  const lines = (await answer.text()).matchAll(/^(\w+)\{.*shard="(\d)".*\} (.*)$/gm);
  return Object.fromEntries(
    [...lines]
      .filter(([, found]) => found === name)
      .map(([, , shard, value]) => [shard, Number(value)]),
  );
}

async function storedPoints(producer: OtqmnProducer): Promise<number[]> {
  const { cameraId } = producer.points;
  const { series } = await query().queryRange({ cameraId, metric: METRIC });
  return series
    .flatMap(({ series: one, timeUnixNano, value }) =>
      value.map((number, at) =>
        producer.points.pointOf(one!.attributes["lane"] ?? "", timeUnixNano[at]!, number)!,
      ),
    )
    .toSorted((a, b) => a - b);
}

test("streams move between shards; every point is found once", { timeout: 60_000 }, async () => {
  const producers = await Promise.all(NODES.map((_, at) => produce(at)));
  const stored = () => metric("glassline_batches_stored_total");
  await eventually(
    async () => Object.values(await stored()).filter((count) => count > 50).length === 2,
    "both shards store batches",
  );
  // Several lives of each stream.
  await delay(4 * STREAM_LIFETIME_MS);
  for (const producer of producers) {
    const { acknowledged } = producer;
    expect(acknowledged).toBeGreaterThan(1_000);
    const found = await storedPoints(producer);
    expect(found.slice(0, acknowledged)).toEqual(
      Array.from({ length: acknowledged }, (_, at) => at + 1),
    );
    expect(new Set(found).size).toBe(found.length);
    expect(producer.failure).toBeUndefined();
  }
  const { cameras } = await query().listCameras({ metrics: [METRIC] });
  expect(cameras.map(({ cameraId }) => cameraId).toSorted()).toEqual(
    producers.map(({ points }) => points.cameraId),
  );
  expect(cameras.every(({ values }) => METRIC in values)).toBe(true);
  const status = await query().getStatus({});
  expect(status.producers.length).toBe(NODES.length);
  expect(status.cameras).toBe(NODES.length);
});

test("questions and directives by the door of producers reach all shards", async () => {
  const producer = await produce(0);
  await eventually(() => producer.acknowledged > 0, "points are acknowledged");
  const credentials = mutualTlsClient(await readIdentity(collectors.pkiDir, OPSBOT), "collector");
  const connect = [`localhost:${addresses.port}`, credentials, TLS_CHANNEL_OPTIONS] as const;
  const { cameraId } = producer.points;
  // Connections take turns: both shards are asked.
  for (let turn = 0; turn < 4; turn++) {
    const own = { ...TLS_CHANNEL_OPTIONS, "grpc.use_local_subchannel_pool": 1 };
    using asked = createClient(QueryService, connect[0], credentials, own);
    using told = createClient(ControlService, connect[0], credentials, own);
    expect((await asked.getLatest({ cameraId })).camera?.cameraId).toBe(cameraId);
    const direct = { cameraId, action: { case: "reportNow", value: true } } as const;
    expect(await told.direct(direct)).toMatchObject({ producer: "node-1" });
    await expect(asked.getLatest({ cameraId: "nobody" })).rejects.toMatchObject({
      code: "not_found",
    });
  }
});

test.skipIf(platform() !== "linux")("a shard that dies comes back with what it had", async () => {
  const producers = await Promise.all(NODES.map((_, at) => produce(at)));
  await eventually(() => producers.every(({ acknowledged }) => acknowledged > 100), "points flow");
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
  process.kill(Number(children.split(" ")[0]), "SIGKILL");
  const ready = () => fetch(`http://localhost:${addresses.adminPort}/readyz`);
  await eventually(async () => (await ready()).status === 503, "not ready");
  await expect(query().listCameras({})).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("is being started"),
  });
  await eventually(async () => (await ready()).status === 200, "ready again");
  const before = producers.map(({ acknowledged }) => acknowledged);
  await eventually(
    () => producers.every(({ acknowledged }, at) => acknowledged > before[at]! + 100),
    "all producers go on",
  );
  for (const producer of producers) {
    const { acknowledged } = producer;
    const found = await storedPoints(producer);
    expect(found.slice(0, acknowledged)).toEqual(
      Array.from({ length: acknowledged }, (_, at) => at + 1),
    );
  }
});

test("connections beyond the limit are closed, and counted; those that end make room", async () => {
  const max = 3;
  const [, limited] = await collectors.spawn("limited", ["--shards=2", `--connections=${max}`]);
  const sockets: Socket[] = [];
  const open = async () => {
    const socket = connect(limited.port, "127.0.0.1");
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };
  stack.defer(() => sockets.forEach((socket) => socket.destroy()));
  for (let at = 0; at < max; at++) await open();
  const shown = async () => {
    const answer = await fetch(`http://localhost:${limited.adminPort}/metrics`);
    const lines = (await answer.text()).matchAll(
      /^glassline_(connections\w*)\{.*port="otqmn".*\} (.*)$/gm,
    );
    return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]));
  };
  await eventually(async () => (await shown())["connections"] === max, "all are counted");
  for (let at = 0; at < max; at++) await once(await open(), "close");
  expect((await shown())["connections_refused_total"]).toBe(max);
  sockets[0]!.destroy();
  await eventually(async () => (await shown())["connections"] === max - 1, "one has ended");
  await open();
  await eventually(async () => (await shown())["connections"] === max, "another has its room");
});

test("fewer shards than there are logs are refused", async () => {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
  await expect(collectors.start("sharded", ["--shards=1"])).rejects.toThrow(
    /--shards: got 1, expected at least 2: .* holds the logs of 2 shards/,
  );
  await kill(child);
});

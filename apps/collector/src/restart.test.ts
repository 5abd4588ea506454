/** A collector as a process, alone and as two shards, that OpsBot tells to start anew. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { freePort } from "@glassline/bench/ports";
import { ControlService } from "@glassline/proto/control";
import { jsonClient } from "@glassline/proto/json";
import { QueryService } from "@glassline/proto/query";
import type { Client } from "@glassline/proto/rpc";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { START_AGAIN } from "@glassline/service/main";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { CountedPoints, METRIC } from "../torture/counted-points.ts";
import { OtqmnProducer } from "../torture/otqmn-producer.ts";
import type { Collector } from "./collector.ts";
import { Collectors } from "./exporters/collectors.testing.ts";

const OPSBOT: PeerName = { role: "opsbot", instance: "opsbot" };
const NODES = [1, 2, 3].map((at): PeerName => ({ role: "mesh-node", instance: `node-${at}` }));
const START = BigInt(Date.now()) * 1_000_000n;
const NAME = "restarted";

let stack: AsyncDisposableStack;
let collectors: Collectors;
let port: number;
let child: ChildProcess;
let addresses: Collector["addresses"];

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  collectors = stack.use(await Collectors.open());
  await ensureDevelopmentPki(collectors.pkiDir, [...NODES, OPSBOT]);
  port = await freePort();
});
afterEach(() => stack.disposeAsync());

async function start(shards: number): Promise<void> {
  [child, addresses] = await collectors.spawn(NAME, [`--shards=${shards}`, `--port=${port}`]);
}

async function control(as = OPSBOT): Promise<Client<typeof ControlService>> {
  const identity = await readIdentity(collectors.pkiDir, as);
  const endpoint = { host: "localhost", port };
  return stack.use(peerClient(ControlService, endpoint, "collector", identity));
}

async function produce(at: number): Promise<OtqmnProducer> {
  return stack.use(
    new OtqmnProducer({
      identity: await readIdentity(collectors.pkiDir, NODES[at]!),
      port,
      points: new CountedPoints(at + 1, START, 1_000_000),
      bundlePoints: 20,
      intervalMs: 20,
      random: Math.random,
    }),
  );
}

async function eventually(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
    if (await isSo()) return;
    await delay(50);
  }
  throw new Error(`expected in 20 s: ${what}`);
}

async function storedPoints({ points }: OtqmnProducer): Promise<number[]> {
  const query = jsonClient(QueryService, `http://localhost:${addresses.adminPort}`);
  const { series } = await query.queryRange({ cameraId: points.cameraId, metric: METRIC });
  return series
    .flatMap(({ series: one, timeUnixNano, value }) =>
      value.map((number, at) =>
        points.pointOf(one!.attributes["lane"] ?? "", timeUnixNano[at]!, number)!,
      ),
    )
    .toSorted((a, b) => a - b);
}

const caller = (idempotencyKey: string, fencingToken = 5n) => ({ idempotencyKey, fencingToken });

async function goesOn(): Promise<void> {
  await delay(1_000);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
}

/** What it has acknowledged can be found, once. */
async function hasAll(producer: OtqmnProducer): Promise<void> {
  const { acknowledged } = producer;
  const found = await storedPoints(producer);
  expect(found.slice(0, acknowledged)).toEqual(
    Array.from({ length: acknowledged }, (_, at) => at + 1),
  );
  expect(new Set(found).size).toBe(found.length);
}

describe.each([1, 2])("a collector of %d shards", { timeout: 90_000 }, (shards) => {
  test("starts anew once a key, and loses nothing that it acknowledged", async () => {
    await start(shards);
    const producers = await Promise.all(NODES.map((_, at) => produce(at)));
    const flow = async (points: number) => {
      const before = producers.map(({ acknowledged }) => acknowledged);
      await eventually(
        () => producers.every(({ acknowledged }, at) => acknowledged > before[at]! + points),
        "points are acknowledged",
      );
    };
    await flow(500);
    const ended = once(child, "exit");
    const asked = await control();
    const answers = await Promise.all([asked.restart(caller("k1")), asked.restart(caller("k1"))]);
    expect(answers.map(({ replayed }) => replayed)).toEqual([false, true]);
    expect(await ended).toEqual([START_AGAIN, null]);

    await start(shards);
    await flow(500);
    const again = await control();
    // Connections take turns: every shard is asked.
    for (let turn = 0; turn < 3; turn++) {
      const other = await control();
      expect(await other.restart(caller("k1"))).toMatchObject({ replayed: true });
    }
    await expect(again.restart(caller("k2", 4n))).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("got 4, expected at least 5") as string,
    });
    await goesOn();
    expect(producers.map(({ failure }) => failure)).toEqual(NODES.map(() => undefined));
    for (const producer of producers) await hasAll(producer);
    const endedAgain = once(child, "exit");
    expect(await again.restart(caller("k2"))).toMatchObject({ replayed: false });
    expect(await endedAgain).toEqual([START_AGAIN, null]);
  });
});

test("is told so by OpsBot only, with a key and a fencing token", async () => {
  await start(1);
  const node = await control(NODES[0]!);
  await expect(node.restart(caller("k1"))).rejects.toMatchObject({ code: "permission_denied" });
  const opsbot = await control();
  for (const [request, what] of [
    [caller(""), "idempotency_key"],
    [caller("k1", 0n), "fencing_token"],
  ] as const)
    await expect(opsbot.restart(request)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(what) as string,
    });
  await goesOn();
});

test("a key that cannot be kept restarts nothing, and may be tried again", async () => {
  await start(1);
  const opsbot = await control();
  const inTheWay = join(collectors.directory, NAME, "actions.json.new");
  await mkdir(inTheWay);
  await expect(opsbot.restart(caller("k1"))).rejects.toMatchObject({ code: "unavailable" });
  await goesOn();
  await rm(inTheWay, { recursive: true });
  const ended = once(child, "exit");
  expect(await opsbot.restart(caller("k1"))).toMatchObject({ replayed: false });
  expect(await ended).toEqual([START_AGAIN, null]);
});

/** The telemetry log in JetStream, on real servers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { ephemeralPki } from "@glassline/service/pki";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { LogPlace } from "../telemetry-log.contract.ts";
import { telemetryLogContract } from "../telemetry-log.contract.ts";
import type { MakeCheckpoint, Retention, TelemetryLog } from "../telemetry-log.ts";
import { numberIn, numbered } from "../telemetry-log.testing.ts";
import type { JetStreamPlace } from "./connection.ts";
import { connectJetStream } from "./connection.ts";
import { storeFence } from "./fence.ts";
import { openJetStreamLog } from "./jetstream-log.ts";
import type { NatsCluster } from "./nats-server.testing.ts";
import { describeWithNats, startNats } from "./nats-server.testing.ts";

let streams = 0;

async function streamPlace(
  cluster: NatsCluster,
  replicas: number,
  files: Partial<JetStreamPlace> = {},
): Promise<LogPlace & { place: JetStreamPlace }> {
  const noFiles = { credentialsFile: "", caFile: "", certificateFile: "", keyFile: "" };
  const place = { servers: cluster.servers, stream: `log-${++streams}`, ...noFiles, ...files };
  const logger = createLogger("collector", "silent");
  const options = { place, replicas, name: "collector", random: Math.random, logger };
  return {
    place,
    open: (retention: Retention, checkpoint: MakeCheckpoint) =>
      openJetStreamLog({ ...retention, ...options, clock: systemClock }, checkpoint),
    program: `
      import { systemClock } from "@glassline/service/clock";
      import { openJetStreamLog } from "./jetstream/jetstream-log.ts";
      const log = await openJetStreamLog({ ...${JSON.stringify({ place, replicas, name: "killed" })},
        segmentMaxBytes: 20_000, maxBytes: 10_000_000, clock: systemClock, random: Math.random, logger: console }, () => ({}));`,
    async fail() {
      const all = cluster.servers.map((_, at) => at).slice(cluster.servers.length === 1 ? 0 : 1);
      await Promise.all(all.map((at) => cluster.kill(at)));
      return {
        async over() {
          for (const at of all) cluster.start(at);
          await cluster.ready();
        },
      };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const RETENTION: Retention = { segmentMaxBytes: 20_000, maxBytes: 1_000_000 };

const numbersIn = async (log: TelemetryLog) =>
  (await Array.fromAsync(log.read(1), ({ record }) => numberIn(record))).filter(
    (is) => typeof is === "number",
  );

/** Tries until it is taken. */
const appendInTime = (log: TelemetryLog, number: number) =>
  expect
    .poll(() => log.append(numbered(number)).catch(() => 0), { timeout: 30_000 })
    .toBeGreaterThan(0);

const describeNats = describeWithNats();

describeNats("one server", () => {
  let cluster: NatsCluster;
  beforeAll(async () => void (cluster = await startNats(1)));
  afterAll(() => cluster[Symbol.asyncDispose]());
  telemetryLogContract("JetStream of one server", () => streamPlace(cluster, 1));

  test("a collector that was cut off while another took over stores nothing more, and says why", async () => {
    const { open, place } = await streamPlace(cluster, 1);
    await using log = await open(RETENTION, () => ({}));
    await log.append(numbered(1));
    await using other = await connectJetStream(place, "test");
    await storeFence(other, place.stream, "the other", undefined);
    await expect(log.append(numbered(2))).rejects.toMatchObject({ reason: "unavailable" });
    await expect
      .poll(() => log.append(numbered(3)).catch((error: Error) => error.message))
      .toContain("another collector writes there: the other");
    expect(await numbersIn(log)).toEqual([1]);
  });

  test("what was stored without an acknowledgement is deleted before anything else is taken", async () => {
    const { open, place } = await streamPlace(cluster, 1);
    await using log = await open(RETENTION, () => ({}));
    await log.append(numbered(1));
    await using other = await connectJetStream(place, "test");
    const { seq } = await other.manager.jetstream().publish(`${place.stream}.record`, "not asked");
    await expect(log.append(numbered(2))).rejects.toMatchObject({ reason: "unavailable" });
    await appendInTime(log, 3);
    expect(await numbersIn(log)).toEqual([1, 3]);
    expect(await other.manager.streams.getMessage(place.stream, { seq })).toBeNull();
  });

  test("a stream that would lose records, or acknowledge them too early, is refused at start", async () => {
    const { open, place } = await streamPlace(cluster, 1);
    await using jetStream = await connectJetStream(place, "test");
    const subjects = ["record", "segment", "fence"].map((name) => `${place.stream}.${name}`);
    const config = { name: place.stream, subjects, max_msgs: 10 };
    await jetStream.manager.streams.add(config);
    await expect(open(RETENTION, () => ({}))).rejects.toThrow(/limits of its own/);
    const { open: openOfThree } = await streamPlace(cluster, 3);
    await expect(openOfThree(RETENTION, () => ({}))).rejects.toThrow(/cannot be opened/);
  });

  test("a start without servers ends with one line", async () => {
    const { open } = await streamPlace({ ...cluster, servers: ["nats://127.0.0.1:1"] }, 1);
    await expect(open(RETENTION, () => ({}))).rejects.toMatchObject({ name: "OperatorError" });
  });
});

describeNats("a server that wants certificates", () => {
  test("is refused without one, and taken with it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "glassline-nats-tls-"));
    const make = await ephemeralPki();
    const files = async (role: "collector" | "origin") => {
      const identity = await make({ role, instance: role });
      const at = (name: string) => join(directory, `${role}-${name}.pem`);
      await writeFile(at("ca"), identity.ca);
      await writeFile(at("certificate"), identity.certificate);
      await writeFile(at("key"), identity.privateKey);
      return { caFile: at("ca"), certificateFile: at("certificate"), keyFile: at("key") };
    };
    const server = await files("origin");
    const own = await files("collector");
    const tls = ["--tlscert", server.certificateFile, "--tlskey", server.keyFile];
    await using cluster = await startNats(
      1,
      [...tls, "--tlsverify", "--tlscacert", own.caFile],
      own,
    );
    const { open } = await streamPlace(cluster, 1, own);
    await using log = await open(RETENTION, () => ({}));
    await log.append(numbered(1));
    expect(await numbersIn(log)).toEqual([1]);
    const { open: openWithout } = await streamPlace(cluster, 1, { caFile: own.caFile });
    await expect(openWithout(RETENTION, () => ({}))).rejects.toThrow(/no connection/);
    await rm(directory, { recursive: true, force: true });
  });
});

describeNats("three servers", () => {
  let cluster: NatsCluster;
  beforeAll(async () => void (cluster = await startNats(3)), 60_000);
  afterAll(() => cluster[Symbol.asyncDispose]());
  telemetryLogContract("JetStream of three servers", () => streamPlace(cluster, 3));

  test("one dies: it goes on; two: it refuses; they come back: nothing acknowledged is lost", async () => {
    const { open } = await streamPlace(cluster, 3);
    await using log = await open(RETENTION, () => ({}));
    await log.append(numbered(1));
    await cluster.kill(0);
    await appendInTime(log, 2);
    await cluster.kill(1);
    const refusal = log.append(numbered(3));
    await expect(refusal).rejects.toMatchObject({ name: "LogRefusal", reason: "unavailable" });
    cluster.start(0);
    cluster.start(1);
    await cluster.ready();
    await appendInTime(log, 4);
    expect(await numbersIn(log)).toEqual([1, 2, 4]);
  }, 120_000);
});

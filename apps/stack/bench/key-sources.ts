/** All key managers stop while a camera reports over a mesh that needs their keys, and go on later. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { KillableProcess } from "@glassline/bench/killable-process";
import { freePorts } from "@glassline/bench/ports";
import { about, report } from "@glassline/bench/report";
import { capture } from "@glassline/mesh-node/rig/capture";
import { counterBitsOf, indexOf } from "@glassline/quantum/keys/records";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { Words } from "../src/testing/stage-apps.ts";
import { startApp } from "../src/testing/stage-apps.ts";
import type { CountingSource } from "../src/testing/sources.ts";
import { COUNTED_METRIC, countingSource } from "../src/testing/sources.ts";
import { Testbed, eventually } from "../src/testing/testbed.ts";

const BENCH = "key-sources";
const CAMERA = "cam-quantum";
const REPORT = { perReport: 20, intervalMs: 20 };
/** The least: keys are refused after it. */
const KEY_LIFETIME_MS = 60_000;
/** Within so long the link has ended for want of keys, and some tries have failed. */
const AWAY_MS = KEY_LIFETIME_MS + 10_000;
/** The keys in use outlast it. */
const AWAY_QUICK_MS = 10_000;
const PATIENCE_MS = 60_000;
/** Quantum links that soon have keys. */
const KME = { "frame-interval": "50ms", block: 15_000, "length-km": 5 } as const;
const SAE = ["node-1=kme-1", "node-2=kme-2"];

export async function measureKeySources(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "A gateway and a node at a collector, a link over UDP between them that needs QKD keys (simulated), each with a key manager, all of them processes; 1,000 samples a second. Both key managers are stopped by SIGSTOP until the link has no valid keys left, 70 s, and go on. Recovered: from then until new samples are stored (goal 5 s). In clear: datagrams over loopback that are neither sealed records nor openings, or that carry the camera's name; twice: records with a number and a key that another one had (goal 0). Stored late: what the gateway kept meanwhile; lost: what is not stored at the end.",
  );
  if (isQuick) return measure(1, AWAY_QUICK_MS);
  for (let trial = 1; trial <= 3; trial++) await measure(trial, AWAY_MS);
}

async function measure(trial: number, awayMs: number): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const stage = await startStage(stack);
  const source = countingSource(CAMERA, REPORT);
  await stage.bed.camera(CAMERA, stage.gatewayPort, [source]);
  const stored = await storedBy(stage);
  await eventually("samples are stored", async () => (await stored()) > 1_000 || undefined);
  const captured = await capture([], "lo");
  for (const { pid } of stage.kmes) process.kill(pid, "SIGSTOP");
  await delay(awayMs);
  const before = await stored();
  const keptPoints = source.yielded - before;
  for (const { pid } of stage.kmes) process.kill(pid, "SIGCONT");
  const fromMs = performance.now();
  await eventually(
    "new samples are stored",
    async () => (await stored()) > before || undefined,
    PATIENCE_MS,
  );
  report(BENCH, "recovered", performance.now() - fromMs, "ms", { trial });
  const lost = await drained(source, stored);
  const datagrams = await captured();
  const { clear, twice } = lookInto(datagrams);
  const params = { trial, datagrams: datagrams.length };
  report(BENCH, "in_clear", clear, "{datagram}", params);
  report(BENCH, "twice", twice, "{record}", params);
  report(BENCH, "stored_late", keptPoints, "{point}", { trial });
  report(BENCH, "lost", lost, "{point}", { trial });
}

interface Stage {
  bed: Testbed;
  kmes: readonly KillableProcess[];
  gatewayPort: number;
  collectorPort: number;
}

async function startStage(stack: AsyncDisposableStack): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-keys-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const pki = join(directory, "pki");
  await ensureDevelopmentPki(pki, [
    { role: "collector", instance: "collector" },
    ...SAE.flatMap((word) => {
      const [node, kme] = word.split("=") as [string, string];
      return [
        { role: "mesh-node" as const, instance: node },
        { role: "kme" as const, instance: kme },
      ];
    }),
  ]);
  await writeFile(join(directory, "kme-1+kme-2.secret"), Buffer.alloc(32, 7));
  const [collectorPort, gatewayPort, exitPort, ...ofKmes] = (await freePorts(7)) as [
    number,
    number,
    number,
    ...number[],
  ];
  const start = async (app: string, words: Words) => {
    const common = { "pki-dir": pki, "admin-port": 0, "log-level": "warn" };
    const started = await startApp(app, { ...common, ...words }, { launcher: [] });
    stack.defer(async () => {
      process.kill(started.pid, "SIGCONT");
      await started.end("SIGKILL");
    });
    return started;
  };
  const kme = (number: 1 | 2, more: Words) =>
    start("kme", {
      ...KME,
      ...more,
      name: `kme-${number}`,
      "secret-dir": directory,
      sae: SAE,
      port: ofKmes[2 * number - 2]!,
      "grpc-port": ofKmes[2 * number - 1]!,
    });
  const second = await kme(2, {});
  const first = await kme(1, { peer: `kme-2=localhost:${ofKmes[3]}` });
  await start("collector", {
    "data-dir": join(directory, "collector"),
    port: collectorPort,
    "otlp-grpc-port": 0,
    "otlp-http-port": 0,
  });
  const node = (number: 1 | 2, more: Words) =>
    start("mesh-node", {
      ...more,
      name: `node-${number}`,
      links: "udp",
      mode: "qkd-required",
      "allow-simulated-keys": true,
      "key-lifetime": `${KEY_LIFETIME_MS / 1_000}s`,
      "key-manager": `kme-${number}=localhost:${ofKmes[2 * number - 2]}`,
      "data-dir": join(directory, `node-${number}`),
    });
  await node(2, { port: exitPort, collector: `localhost:${collectorPort}` });
  await node(1, { port: gatewayPort, peer: `node-2=127.0.0.1:${exitPort}`, gateway: true });
  const bed = stack.use(await Testbed.open({ pkiDirectory: pki }));
  return { bed, kmes: [first, second], gatewayPort, collectorPort };
}

/** How many samples the collector has. */
async function storedBy({ bed, collectorPort }: Stage): Promise<() => Promise<number>> {
  const query = await bed.query(collectorPort);
  return async () => {
    const asked = { cameraId: CAMERA, metric: COUNTED_METRIC, maxPoints: 2 };
    const { series } = await query.queryRange(asked);
    return series[0]?.value.at(-1) ?? 0;
  };
}

/** @returns samples that are not stored at the end. */
async function drained(source: CountingSource, stored: () => Promise<number>): Promise<number> {
  source.finish();
  const isAll = async () => (await stored()) >= source.yielded || undefined;
  await eventually("all samples are stored", isAll, PATIENCE_MS).catch(() => {});
  return source.yielded - (await stored());
}

const TYPE_OPENING = 1;

const isKnown = (datagram: Buffer): boolean =>
  datagram[0] === TYPE_OPENING || indexOf(datagram) !== undefined;

function lookInto(datagrams: readonly Buffer[]): { clear: number; twice: number } {
  const records = datagrams.filter((datagram) => indexOf(datagram) !== undefined);
  const clear = datagrams.filter((one) => !isKnown(one) || one.includes(CAMERA));
  const numbers = new Set(records.map((record) => `${indexOf(record)} ${counterBitsOf(record)}`));
  return { clear: clear.length, twice: records.length - numbers.size };
}

/** From the start of an edge that was killed to its first answer from disk, with no origin. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { median } from "@glassline/bench/median";
import { CAN_PIN, SYSTEM_CORE } from "@glassline/bench/pinned-process";
import { freePorts } from "@glassline/bench/ports";
import { about, report } from "@glassline/bench/report";
import { BundledProgram } from "@glassline/bundle/bundled-program";

import { bodyOf, pathOf } from "./fill-disk.ts";

const BENCH = "edge-restart";
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const FILL = fileURLToPath(new URL("fill-disk.ts", import.meta.url));
const RETRY_MS = 1;
const TIMEOUT_MS = 30_000;
/** Asked for after a start, to see what was kept. */
const SAMPLE = 1_000;

/** The same moment of a start with a disk and without. */
interface Start {
  firstAnswerMs: number;
  /** As it says itself: from its start until viewers are served, and the time of all its threads until then. */
  servedMs: number;
  cpuMs: number;
  status: number;
  body: Buffer;
}

type Answer = Pick<Start, "status" | "body">;

export async function measureRestart(
  _systems: readonly unknown[],
  isQuick: boolean,
): Promise<void> {
  about(
    BENCH,
    "An edge with small objects on disk was killed by SIGKILL; from its next start to its first answer from disk, nobody listening at the origin's address. Of it, what an empty Node takes, " +
      "what the edge itself says it took until it served viewers, and the time of processors for that; and what it takes without a disk, to its answer that the origin is away. Compiled code is kept on disk, as npm run start does. source: as it is in the repository; bundle: in a few files, as node-agents run it in containers. Goals for the whole of it, Node's own start included: 150 ms at 10,000 objects, 1 s at 1,000,000; 99.9 % kept. What bounds the smaller one: loading the program; without a disk it takes as long but for 5 ms.",
  );
  const rounds = isQuick ? 2 : 7;
  for (const objects of isQuick ? [1_000] : [10_000, 1_000_000]) {
    const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
    try {
      await fill(join(directory, "disk"), objects);
      const bundle = new BundledProgram(join(directory, "program"), MAIN);
      await bundle.made();
      const programs = [
        { name: "source", path: MAIN },
        { name: "bundle", path: bundle.path },
      ];
      for (const program of programs) await measure(directory, objects, rounds, program);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

async function fill(directory: string, objects: number): Promise<void> {
  const filler = spawn(process.execPath, [FILL, directory, String(objects)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(filler, "exit");
  await Promise.race([once(filler.stdout, "data"), ended]);
  if (filler.exitCode !== null) throw new Error(`fill: got exit ${filler.exitCode}, expected none`);
  filler.kill("SIGKILL");
  await ended;
}

interface Program {
  name: string;
  path: string;
}

async function measure(
  directory: string,
  objects: number,
  rounds: number,
  program: Program,
): Promise<void> {
  const stage = { directory, main: program.path };
  const path = pathOf(Math.floor(objects / 2));
  const expected = bodyOf(Math.floor(objects / 2));
  const nodeMs: number[] = [];
  const plainMs: number[] = [];
  const diskMs: number[] = [];
  const servedMs: number[] = [];
  const cpuMs: number[] = [];
  let kept = 0;
  // The first starts compile, and are not counted.
  for (let round = -1; round < rounds; round++) {
    const node = emptyNodeMs();
    const plain = await started(stage, [], path, async (_port, ready) => {
      if (round < 0) await ready;
    });
    const start = await started(
      stage,
      [`--disk=${join(directory, "disk")}`],
      path,
      async (port, ready) => {
        if (round < 0) await ready;
        if (round === rounds - 1) kept = await servedOf(port, objects);
      },
    );
    if (start.status !== 200 || !start.body.equals(expected))
      throw new Error(`${path}: got ${start.status}, expected what was stored`);
    if (round < 0) continue;
    nodeMs.push(node);
    plainMs.push(plain.firstAnswerMs);
    diskMs.push(start.firstAnswerMs);
    servedMs.push(start.servedMs);
    cpuMs.push(start.cpuMs);
  }
  const params = { objects, rounds, program: program.name };
  report(BENCH, "empty_node", median(nodeMs), "ms", params);
  report(BENCH, "first_answer_without_disk", median(plainMs), "ms", params);
  report(BENCH, "first_hit", median(diskMs), "ms", params);
  report(BENCH, "first_hit_beyond_node", median(diskMs) - median(nodeMs), "ms", params);
  report(BENCH, "viewers_served", median(servedMs), "ms", params);
  report(BENCH, "cpu_until_viewers_served", median(cpuMs), "ms", params);
  report(BENCH, "kept", (100 * kept) / Math.min(SAMPLE, objects), "%", params);
}

/** From its start to its end. */
function emptyNodeMs(): number {
  const fromMs = performance.now();
  const [command, ...words] = pinned([process.execPath, "-e", "0"]);
  spawnSync(command!, words);
  return performance.now() - fromMs;
}

const pinned = (words: readonly string[]): readonly string[] =>
  CAN_PIN ? ["taskset", "-c", String(SYSTEM_CORE), ...words] : words;

/** Starts an edge, asks until it answers, and kills it. */
async function started(
  { directory, main }: { directory: string; main: string },
  more: readonly string[],
  path: string,
  meanwhile: (port: number, ready: Promise<unknown>) => Promise<void>,
): Promise<Start> {
  const [port, grpcPort, adminPort, originPort] = await freePorts(4);
  const words = [
    `--origin=http://127.0.0.1:${originPort}`,
    `--listen=127.0.0.1:${port}`,
    `--grpc-port=${grpcPort}`,
    `--admin-port=${adminPort}`,
    `--pki-dir=${join(directory, "pki")}`,
    ...more,
  ];
  const [command, ...rest] = pinned([process.execPath, main, ...words]);
  const fromMs = performance.now();
  const edge = spawn(command!, rest, {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    env: { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") },
  });
  const ended = once(edge, "exit");
  // What was compiled is stored by then.
  const ready = once(edge, "message");
  const said = served(edge.stdout!);
  try {
    const { status, body } = await firstAnswer(
      port!,
      path,
      ({ status }) => more.length === 0 || status === 200,
    );
    const firstAnswerMs = performance.now() - fromMs;
    await meanwhile(port!, ready);
    return { firstAnswerMs, ...(await said), status, body };
  } finally {
    edge.kill("SIGKILL");
    await ended;
  }
}

async function served(lines: Readable): Promise<Pick<Start, "servedMs" | "cpuMs">> {
  for await (const line of createInterface({ input: lines })) {
    const { msg, sinceStartMs, cpuMs } = JSON.parse(line) as {
      msg: string;
      sinceStartMs: number;
      cpuMs: number;
    };
    if (msg === "viewers are served") return { servedMs: sinceStartMs, cpuMs };
  }
  throw new Error("the edge: got an end, expected a line of its log");
}

/** The first that is wanted: on a machine with other work, an edge may not wait for its index. */
async function firstAnswer(
  port: number,
  path: string,
  isWanted: (answer: Answer) => boolean,
): Promise<Answer> {
  const untilMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await get(port, path);
    if (answer && isWanted(answer)) return answer;
    if (performance.now() > untilMs)
      throw new Error(`port ${port}: got no answer in ${TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Of a sample over all. */
async function servedOf(port: number, objects: number): Promise<number> {
  const step = Math.max(1, Math.floor(objects / SAMPLE));
  let served = 0;
  for (let at = 0; at < Math.min(SAMPLE, objects); at++) {
    const object = objects - 1 - at * step;
    const answer = await get(port, pathOf(object));
    if (answer?.status === 200 && answer.body.equals(bodyOf(object))) served++;
  }
  return served;
}

/** Undefined: nobody listens. */
function get(port: number, path: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
      );
    });
    asked.once("error", () => resolve(undefined)).end();
  });
}

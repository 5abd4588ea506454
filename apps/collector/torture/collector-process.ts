/** The collector as `npm run start` starts it, in a process that can be killed at any moment. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { ensureDevelopmentPki } from "@glassline/service/pki";

import { shardFolder } from "../src/shards/shard-config.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 12_000;
const OUTPUT_MAX_CHARACTERS = 20_000;

export interface CollectorPlace {
  directory: string;
  shards: number;
  ports: { port: number; adminPort: number; httpPort: number; grpcPort: number };
  token: string;
}

export const dataDirectory = ({ directory }: CollectorPlace): string => join(directory, "data");
/** By shard. */
export const logDirectories = (place: CollectorPlace): string[] => foldersOf(place, "log");
export const blockDirectories = (place: CollectorPlace): string[] => foldersOf(place, "blocks");
export const pkiDirectory = ({ directory }: CollectorPlace): string => join(directory, "pki");

function foldersOf(place: CollectorPlace, name: string): string[] {
  const shards = Array.from({ length: place.shards }, (_, shard) => shard);
  return shards.map((shard) => join(shardFolder(dataDirectory(place), shard), name));
}

export async function prepare(place: CollectorPlace): Promise<void> {
  await ensureDevelopmentPki(pkiDirectory(place), [{ role: "collector", instance: "collector" }]);
}

export class CollectorProcess {
  readonly #child: ChildProcess;
  readonly #startedMs = performance.now();
  #output = "";

  constructor(place: CollectorPlace) {
    const { port, adminPort, httpPort, grpcPort } = place.ports;
    const words = [
      `--data-dir=${dataDirectory(place)}`,
      `--pki-dir=${pkiDirectory(place)}`,
      `--shards=${place.shards}`,
      `--port=${port}`,
      `--admin-port=${adminPort}`,
      `--otlp-grpc-port=${grpcPort}`,
      `--otlp-http-port=${httpPort}`,
      "--otlp-plaintext",
      "--segment-size=64KiB",
      "--recent-window=5s",
      "--recent-size=1MiB",
      "--log-size=64GiB",
      "--log-level=warn",
    ];
    this.#child = spawn(process.execPath, [MAIN, ...words], {
      // Ctrl-C is for this program: the collector is not to stop by itself.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        ...process.env,
        GLASSLINE_COLLECTOR_OTLP_TOKEN: place.token,
        NODE_COMPILE_CACHE: join(place.directory, "compiled"),
      },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_MAX_CHARACTERS);
      });
  }

  /** Processes of the shards; none when the collector has no shards. Linux. */
  async shards(): Promise<number[]> {
    const { pid } = this.#child;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    return children.split(" ").filter(Boolean).map(Number);
  }

  /** What it said last. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** @returns how long the start took, ms. Rejects when it ends or is not ready in time. */
  async ready(): Promise<number> {
    const timeout = new AbortController();
    await Promise.race([
      once(this.#child, "message", { signal: timeout.signal }),
      once(this.#child, "close", { signal: timeout.signal }),
      delay(START_TIMEOUT_MS, undefined, { signal: timeout.signal, ref: false }),
    ]).finally(() => timeout.abort());
    if (this.hasEnded) throw new Error(`the collector ended at its start:\n${this.#output}`);
    const tookMs = performance.now() - this.#startedMs;
    if (tookMs >= START_TIMEOUT_MS)
      throw new Error(`the collector was not ready in ${START_TIMEOUT_MS} ms:\n${this.#output}`);
    return tookMs;
  }

  /** Resolves when it has ended; one that does not follow is killed. @returns whether it followed. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<boolean> {
    if (this.hasEnded) return true;
    const ended = once(this.#child, "close");
    this.#child.kill(signal);
    const late = new AbortController();
    const isLate = await Promise.race([
      ended.then(() => false),
      delay(STOP_TIMEOUT_MS, true, { signal: late.signal }),
    ]);
    if (isLate) this.#child.kill("SIGKILL");
    await ended;
    late.abort();
    await this.#shardsEnded();
    return !isLate;
  }

  /** Kills the collector and its shards in one moment. */
  async killAll(): Promise<void> {
    if (!this.hasEnded) process.kill(-this.#child.pid!, "SIGKILL");
    await this.end("SIGKILL");
  }

  /** They are its process group. */
  async #shardsEnded(): Promise<void> {
    for (;;) {
      try {
        process.kill(-this.#child.pid!, 0);
      } catch {
        return;
      }
      await delay(2);
    }
  }
}

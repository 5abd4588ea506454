/** The collector as `npm run start` starts it, in a process that can be killed at any moment. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { KillableProcess } from "@glassline/bench/killable-process";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { shardFolder } from "../src/shards/shard-config.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

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
  readonly #process: KillableProcess;

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
    this.#process = new KillableProcess("the collector", [MAIN, ...words], {
      GLASSLINE_COLLECTOR_OTLP_TOKEN: place.token,
      NODE_COMPILE_CACHE: join(place.directory, "compiled"),
    });
  }

  /** Processes of the shards; none when the collector has no shards. Linux. */
  async shards(): Promise<number[]> {
    const { pid } = this.#process;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    return children.split(" ").filter(Boolean).map(Number);
  }

  /** What it said last. */
  get output(): string {
    return this.#process.output;
  }

  get hasEnded(): boolean {
    return this.#process.hasEnded;
  }

  /** @returns how long the start took, ms. Rejects when it ends or is not ready in time. */
  ready(): Promise<number> {
    return this.#process.ready();
  }

  /** Resolves when it and its shards have ended; one that does not follow is killed. @returns whether it followed. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<boolean> {
    return this.#process.end(signal);
  }

  /** Kills the collector and its shards in one moment. */
  killAll(): Promise<void> {
    return this.#process.killAll();
  }
}

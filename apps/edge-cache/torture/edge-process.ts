/** The edge as `npm run start` starts it, with a small memory, so that it asks its disk. */
import { appendFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { KillableProcess } from "@glassline/bench/killable-process";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
export const TOKEN = "torture";

export interface EdgePlace {
  directory: string;
  port: number;
  grpcPort: number;
  adminPort: number;
  originPort: number;
}

const diskOf = ({ directory }: EdgePlace): string => join(directory, "disk");

export function startEdgeProcess(place: EdgePlace): KillableProcess {
  const { directory, port, grpcPort, adminPort, originPort } = place;
  const words = [
    `--origin=http://127.0.0.1:${originPort}`,
    `--listen=127.0.0.1:${port}`,
    `--grpc-port=${grpcPort}`,
    `--admin-port=${adminPort}`,
    `--pki-dir=${join(directory, "pki")}`,
    `--admin-token=${TOKEN}`,
    `--disk=${diskOf(place)}`,
    "--disk-size=1GiB",
    "--memory=8MiB",
    "--log-level=warn",
  ];
  return new KillableProcess("the edge", [MAIN, ...words], {
    NODE_COMPILE_CACHE: join(directory, "compiled"),
  });
}

/** As after a crash in the middle of a write. @returns whether there was a segment. */
export async function tearTail(place: EdgePlace, random: () => number): Promise<boolean> {
  const names = await readdir(diskOf(place)).catch(() => []);
  const last = names
    .filter((name) => name.endsWith(".segment"))
    .toSorted()
    .at(-1);
  if (last === undefined) return false;
  const bytes = Uint8Array.from({ length: 1 + Math.floor(200 * random()) }, () => 256 * random());
  await appendFile(join(diskOf(place), last), bytes);
  return true;
}

/** What the benchmark starts and loads. */
import { createServer } from "node:net";

import type { PinnedProcess } from "./pinned-process.ts";

/** A token for all: those that check none ignore it. */
export const TOKEN = "benchmark";

export interface System {
  name: string;
  /** A fresh one, with nothing stored. @param directory empty, for its files. */
  start(directory: string): Promise<RunningSystem>;
}

export interface RunningSystem extends AsyncDisposable {
  process: PinnedProcess;
  grpcPort: number;
  httpPort: number;
}

/** Ports that nobody listened on a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listenAnywhere(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

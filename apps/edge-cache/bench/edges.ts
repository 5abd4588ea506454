/** Edges as processes of their own, one cluster, all on the core of the system. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { PinnedProcess } from "@glassline/bench/pinned-process";
import { startPinned } from "@glassline/bench/pinned-process";
import { freePorts } from "@glassline/bench/ports";
import { ensureDevelopmentPki } from "@glassline/service/pki";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
export const ADMIN_TOKEN = "a-token-for-benchmarks";

export interface Edge {
  name: string;
  port: number;
  adminPort: number;
  process: PinnedProcess;
}

/** @param words more flags for all. */
export async function startEdges(
  directory: string,
  count: number,
  originPort: number,
  words: readonly string[] = [],
): Promise<Edge[]> {
  const pkiDir = join(directory, "pki");
  const names = Array.from({ length: count }, (_, at) => `edge-${at + 1}`);
  await ensureDevelopmentPki(
    pkiDir,
    names.map((instance) => ({ role: "edge-cache", instance })),
  );
  const ports = await freePorts(4 * count);
  const portOf = (at: number, which: number) => ports[4 * at + which]!;
  return Promise.all(
    names.map(async (name, at): Promise<Edge> => {
      const members = names.flatMap((other, index) =>
        index === at ? [] : [`--member=${other}=https://127.0.0.1:${portOf(index, 1)}`],
      );
      const own = [
        `--name=${name}`,
        `--origin=http://127.0.0.1:${originPort}`,
        `--listen=127.0.0.1:${portOf(at, 0)}`,
        `--cluster-port=${portOf(at, 1)}`,
        `--grpc-port=${portOf(at, 2)}`,
        `--admin-port=${portOf(at, 3)}`,
        `--pki-dir=${pkiDir}`,
        `--admin-token=${ADMIN_TOKEN}`,
        "--log-level=error",
      ];
      const process = await startPinned({
        words: [globalThis.process.execPath, MAIN, ...own, ...members, ...words],
        ports: [portOf(at, 0), portOf(at, 3)],
      });
      return { name, port: portOf(at, 0), adminPort: portOf(at, 3), process };
    }),
  );
}

/** A method of the administration, as JSON. */
export async function ask(edge: Edge, method: string, message: object): Promise<object> {
  const url = `http://127.0.0.1:${edge.adminPort}/glassline.edge.v1alpha1.EdgeCacheService/${method}`;
  const headers = { "content-type": "application/json", authorization: `Bearer ${ADMIN_TOKEN}` };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(message) });
  if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`);
  return (await response.json()) as object;
}

/** Resolves when each uses all others. */
export async function settled(edges: readonly Edge[]): Promise<void> {
  for (const edge of edges)
    for (;;) {
      const { members = [] } = (await ask(edge, "GetStatus", {})) as {
        members?: { usable?: boolean }[];
      };
      if (members.filter(({ usable }) => usable).length === edges.length - 1) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** The check plugins by their names; only the one that runs is loaded. */
import type { Plugin } from "./plugin.ts";

const PLUGINS: Readonly<Record<string, () => Promise<Plugin>>> = {
  edge: async () => (await import("./edge.ts")).edge,
  freshness: async () => (await import("./freshness.ts")).freshness,
  "hit-rate": async () => (await import("./hit-rate.ts")).hitRate,
  ingestion: async () => (await import("./ingestion.ts")).ingestion,
  latency: async () => (await import("./latency.ts")).latency,
  "link-keys": async () => (await import("./link-keys.ts")).linkKeys,
  "mesh-link": async () => (await import("./mesh-link.ts")).meshLink,
  network: async () => (await import("./network.ts")).network,
  origin: async () => (await import("./origin.ts")).origin,
  silence: async () => (await import("./silence.ts")).silence,
};

export const CHECKS = Object.keys(PLUGINS);

export async function loadPlugin(name: string): Promise<Plugin | undefined> {
  return CHECKS.includes(name) ? PLUGINS[name]!() : undefined;
}

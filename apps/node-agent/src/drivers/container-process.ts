/** What drivers of containers have in common: names, environment, and what an edge is given of its machine. */
import type { EdgeSpec } from "@glassline/proto/node";

import type { Bind } from "../core/oci-bundle.ts";
import type { PreparedEdge } from "./edge-files.ts";

const ID_CHARS = 8;

/** Keys of what containers are marked with. */
export const LABELS = {
  /** Of the agent. */
  agent: "glassline.agent",
  edge: "glassline.edge",
  instance: "glassline.instance",
} as const;

/** Another one at each start: what is left of an earlier container is in nobody's way. */
export const containerName = (edge: string, instanceId: string): string =>
  `${edge}.${instanceId.slice(0, ID_CHARS)}`;

export const labelsOf = (mark: string, spec: EdgeSpec, instanceId: string) => ({
  [LABELS.agent]: mark,
  [LABELS.edge]: spec.name,
  [LABELS.instance]: instanceId,
});

/** "NAME=value"; of the agent's own environment, what is meant for edges. */
export function environmentOf({ environment }: PreparedEdge): string[] {
  const own = Object.entries(process.env).filter(([name]) =>
    /^(GLASSLINE_EDGE_CACHE_|OTEL_)/.test(name),
  );
  const all = { ...Object.fromEntries(own), ...environment };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

/** Files and folder of an edge, at the same place as on the machine. */
export function bindsOf({ readOnly, folder }: PreparedEdge): Bind[] {
  return [
    ...readOnly.map((path) => ({ source: path, destination: path, isWritable: false })),
    { source: folder, destination: folder, isWritable: true },
  ];
}

/** To which other edges an edge stands how, as the settings say. */
import { OperatorError } from "@glassline/service/errors";

import type { EdgeCacheConfig } from "../config.ts";
import type { ClusterConfig } from "./cluster.ts";

/** Throws OperatorError. */
export function relationsOf({
  name,
  origin,
  originEdge,
  member: members,
  shielded,
}: EdgeCacheConfig): ClusterConfig {
  const refuse = (flag: string, got: string, expected: string): never => {
    throw new OperatorError(`--${flag}: got ${JSON.stringify(got)}, expected ${expected}`);
  };
  if (originEdge === name) refuse("origin-edge", name, "the name of another edge");
  if (originEdge !== "" && shielded.includes(originEdge))
    refuse("shielded", originEdge, "none that this edge fetches from (--origin-edge)");
  if (originEdge !== "" && !origin.startsWith("https://"))
    refuse("origin", origin, "https://HOST:PORT, the cluster port of --origin-edge");
  const known = new Set([name, originEdge, ...shielded]);
  for (const member of members)
    if (known.has(member.name))
      refuse("member", member.name, "neither this edge, nor its shield, nor one that it shields");
  const shield = originEdge === "" ? undefined : { name: originEdge, url: origin };
  return { name, members, shield, shielded };
}

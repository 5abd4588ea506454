/** Which edge a viewer should play from: the steering server's decision. Pure. */
import type { SteeringManifest } from "@glassline/hls/pathways";

export interface Candidate {
  edge: string;
  publicUrl: string;
  reachable: boolean;
  /** It wants no viewers. */
  draining: boolean;
  viewers: number;
}

/** A viewer is moved from an edge only when it has so many times the viewers of the emptiest one, and so many more. */
const LOPSIDED = { ratio: 1.5, more: 20 } as const;

/**
 * @param current the pathway that the viewer plays from; undefined: not known.
 * @param self the edge that answers.
 * @param path of this steering server, the same on every edge.
 */
export function steer(
  candidates: readonly Candidate[],
  {
    current,
    self,
    path,
    ttlS,
  }: { current: string | undefined; self: string; path: string; ttlS: number },
): SteeringManifest {
  const usable = usableOf(candidates);
  const byViewers = usable.toSorted((a, b) => a.viewers - b.viewers || (a.edge < b.edge ? -1 : 1));
  const stays = usable.find(({ edge }) => edge === current);
  const emptiest = byViewers[0];
  const isLopsided =
    stays &&
    emptiest &&
    stays.viewers > emptiest.viewers * LOPSIDED.ratio &&
    stays.viewers > emptiest.viewers + LOPSIDED.more;
  const first = stays && !isLopsided ? stays : emptiest;
  const order = [...(first ? [first] : []), ...byViewers.filter((other) => other !== first)];
  // The next question goes to an edge that the viewer does not play from: it can still tell when this one has died.
  const witness = order.find((candidate) => candidate !== first) ?? first;
  return {
    VERSION: 1,
    TTL: ttlS,
    ...(witness && { "RELOAD-URI": `${witness.publicUrl}${path}` }),
    "PATHWAY-PRIORITY": order.length > 0 ? order.map(({ edge }) => edge) : [self],
  };
}

/** Where viewers may play from. What drains is left out while there is anything else that can be reached. */
function usableOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const reachable = candidates.filter((candidate) => candidate.reachable);
  const staying = reachable.filter(({ draining }) => !draining);
  return staying.length > 0 ? staying : reachable;
}

/** Where a new viewer begins: at the edge that is asked, or, when that one drains, at the emptiest of the others, if there is any. */
export function initialOf(own: string, isDraining: boolean, others: readonly Candidate[]): string {
  if (!isDraining) return own;
  const [emptiest] = others
    .filter(({ reachable, draining }) => reachable && !draining)
    .toSorted((a, b) => a.viewers - b.viewers);
  return emptiest?.edge ?? own;
}

/**
 * Ways of entangled pairs through a network of repeaters: which one gives most key. More pairs and better ones are at odds: what a way is worth
 * shows only at its end, so a distance vector, which keeps one way to each node, finds the wrong one. Here each node keeps all ways of which none is
 * worse than another in both (Pareto labels, Martins 1984), and all that makes a way longer leaves a better one better: the best is found.
 * Pure. Closed forms of pairs.ts; memories are good enough for one pair a link.
 */
import { secretShare } from "./entropy.ts";
import { afterMemory, bbpssw, qberOf, swapped } from "./pairs.ts";

export interface EntangledLink {
  between: readonly [string, string];
  /** Of which both halves are in memories at its ends. */
  pairsPerS: number;
  /** Of those, Werner pairs. */
  fidelity: number;
}

export interface Repeaters {
  /** Of two pairs that are joined, share that becomes one. */
  swapSuccess: number;
  /** In which a memory loses its weight to 1/e. */
  coherenceS: number;
  /** Rounds of BBPSSW on a link, at most. */
  purifications: number;
}

export interface EntanglementPath {
  /** Both ends included. */
  nodes: readonly string[];
  /** Rounds on each link. */
  purifications: readonly number[];
  pairsPerS: number;
  fidelity: number;
  /** Secret bits a second, asymptotically, of pairs that are all measured alike (Shor and Preskill 2000); above 0. */
  keyBitsPerS: number;
}

/** What a link gives after some rounds; each takes two pairs, and keeps one, or none. */
interface Offer {
  pairsPerS: number;
  fidelity: number;
  rounds: number;
}

interface Label extends Pick<
  EntanglementPath,
  "nodes" | "purifications" | "pairsPerS" | "fidelity"
> {
  isDominated: boolean;
}

/** Undefined: no way gives any key. */
export function bestEntanglementPath(
  links: readonly EntangledLink[],
  from: string,
  to: string,
  repeaters: Repeaters,
): EntanglementPath | undefined {
  const around = offersAround(links, repeaters);
  const labels = new Map<string, Label[]>();
  const start = { nodes: [from], purifications: [], pairsPerS: Infinity, fidelity: 1 };
  const open: Label[] = [{ ...start, isDominated: false }];
  for (let label = open.pop(); label; label = open.pop()) {
    const at = label.nodes.at(-1)!;
    if (label.isDominated || at === to) continue;
    for (const [next, offers] of around.get(at) ?? []) {
      if (label.nodes.includes(next)) continue;
      for (const offer of offers) {
        const longer = extended(label, next, offer, repeaters);
        if (keep(labels, next, longer)) open.push(longer);
      }
    }
  }
  const found = (labels.get(to) ?? []).map(pathOf);
  const best = found.toSorted((one, other) => other.keyBitsPerS - one.keyBitsPerS)[0];
  return best && best.keyBitsPerS > 0 ? best : undefined;
}

function pathOf({ nodes, purifications, pairsPerS, fidelity }: Label): EntanglementPath {
  const keyBitsPerS = pairsPerS * secretShare(qberOf(fidelity));
  return { nodes, purifications, pairsPerS, fidelity, keyBitsPerS };
}

/** By node and neighbour. */
function offersAround(
  links: readonly EntangledLink[],
  { purifications }: Repeaters,
): Map<string, [string, Offer[]][]> {
  const around = new Map<string, [string, Offer[]][]>();
  for (const { between, pairsPerS, fidelity } of links) {
    const offers: Offer[] = [{ pairsPerS, fidelity, rounds: 0 }];
    for (let rounds = 1; rounds <= purifications; rounds++) {
      const before = offers.at(-1)!;
      const purified = bbpssw(before.fidelity);
      if (purified.fidelity <= before.fidelity) break;
      const kept = (before.pairsPerS / 2) * purified.probability;
      offers.push({ pairsPerS: kept, fidelity: purified.fidelity, rounds });
    }
    const [one, other] = between;
    around.set(one, [...(around.get(one) ?? []), [other, offers]]);
    around.set(other, [...(around.get(other) ?? []), [one, offers]]);
  }
  return around;
}

/** The pair of the way so far waits until that of the link is there, or the other way round: as long as the rarer one takes, at most. */
function extended(label: Label, next: string, offer: Offer, repeaters: Repeaters): Label {
  const { swapSuccess, coherenceS } = repeaters;
  const isFirst = label.nodes.length === 1;
  const rarer = Math.min(label.pairsPerS, offer.pairsPerS);
  const joined = swapped(label.fidelity, offer.fidelity);
  return {
    nodes: [...label.nodes, next],
    purifications: [...label.purifications, offer.rounds],
    pairsPerS: isFirst ? rarer : rarer * swapSuccess,
    fidelity: isFirst ? joined : afterMemory(joined, 1 / rarer, coherenceS),
    isDominated: false,
  };
}

/** False: another one is as good. */
function keep(labels: Map<string, Label[]>, node: string, label: Label): boolean {
  const known = labels.get(node) ?? [];
  if (known.some((one) => isNoWorse(one, label))) return false;
  const left = known.filter((one) => {
    one.isDominated = isNoWorse(label, one);
    return !one.isDominated;
  });
  labels.set(node, [...left, label]);
  return true;
}

const isNoWorse = (one: Label, other: Label): boolean =>
  one.pairsPerS >= other.pairsPerS && one.fidelity >= other.fidelity;

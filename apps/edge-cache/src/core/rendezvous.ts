/**
 * Which edge of a cluster fetches an object from the origin: the one with the highest weight for its key. When an edge goes, only its objects
 * move, evenly to all others. Pure.
 * Source: Thaler and Ravishankar, Using name-based mappings to increase hit rates, IEEE/ACM Transactions on Networking 6(1), 1998.
 */

/** 32 bits, FNV-1a with the finalizer of MurmurHash3: of texts that differ in one character, all bits differ. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** @param seed of the edge: hashOf its name. */
export const weightOf = (keyHash: number, seed: number): number => mixed(keyHash ^ seed);

/** Those that may fetch an object, the first choice first. */
export function ranked<T extends { seed: number }>(key: string, edges: readonly T[]): T[] {
  const hash = hashOf(key);
  return edges.toSorted((a, b) => weightOf(hash, b.seed) - weightOf(hash, a.seed));
}

/** Of equal work for all, so many times; fewer questions than LOAD_FREE are never too many. */
const LOAD_RATIO = 2;
const LOAD_FREE = 64;

/**
 * How many questions one edge may have open before the next one in rank is asked.
 * Source: Mirrokni, Thorup and Zadimoghaddam, Consistent hashing with bounded loads, SODA 2018.
 * @param open questions to all edges together.
 */
export function loadBound(open: number, edges: number): number {
  return Math.max(LOAD_FREE, (LOAD_RATIO * open) / Math.max(1, edges));
}

function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

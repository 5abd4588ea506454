/**
 * A secret in XOR shares: who has all but one of them knows nothing of it (Shamir 1979 for n of n; in the mesh, as QKD networks relay keys over disjoint
 * ways). Each share is as random as the secret itself.
 */
import { randomBytes } from "node:crypto";

/** A stream takes no more ways than that. */
export const SHARES_MAX = 4;
export const SHARE_BYTES = 32;

/** @returns as many shares as asked for. */
export function split(secret: Uint8Array, count: number): Uint8Array[] {
  const masks = Array.from({ length: count - 1 }, () => new Uint8Array(randomBytes(secret.length)));
  return [...masks, joined([secret, ...masks])];
}

/** All of the same length. */
export function joined(shares: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(shares[0]!.length);
  for (const share of shares) for (const [at, byte] of share.entries()) whole[at]! ^= byte;
  return whole;
}

export interface Share {
  /** Of the secret. */
  id: string;
  index: number;
  /** Of all of them. */
  count: number;
  share: Uint8Array;
  /** That it came through, in their order. */
  nodes: readonly string[];
}

interface Gathered {
  shares: Map<number, Share>;
  untilMs: number;
}

const LIFETIME_MS = 60_000;
const SECRETS_MAX = 1_000;

/** Shares that have come to a collector, until somebody uses their secret. Bounded; all times by a clock that does not go back. */
export class ShareBook {
  /** By producer and secret, the oldest first. */
  readonly #gathered = new Map<string, Gathered>();

  add(producer: string, share: Share, nowMs: number): void {
    this.#forget(nowMs);
    const key = `${producer} ${share.id}`;
    const known = this.#gathered.get(key) ?? { shares: new Map(), untilMs: nowMs + LIFETIME_MS };
    if (known.shares.size < SHARES_MAX) known.shares.set(share.index, share);
    this.#gathered.set(key, known);
    if (this.#gathered.size > SECRETS_MAX)
      this.#gathered.delete(this.#gathered.keys().next().value!);
  }

  /** The secret, once. A text says why there is none: shares are missing, or a node has carried two of them. */
  take(producer: string, id: string, nowMs: number): Uint8Array | string {
    this.#forget(nowMs);
    const key = `${producer} ${id}`;
    const shares = [...(this.#gathered.get(key)?.shares.values() ?? [])];
    this.#gathered.delete(key);
    const count = shares[0]?.count ?? 0;
    const isWhole =
      count > 1 && shares.length === count && shares.every((one) => one.count === count);
    if (!isWhole) return `got ${shares.length} of a secret, expected ${count || "some"}`;
    const nodes = shares.flatMap((share) => share.nodes);
    const twice = nodes.find((node, at) => nodes.indexOf(node) < at);
    if (twice !== undefined)
      return `got two by way of ${twice}, expected ways without a node in common`;
    return joined(shares.map(({ share }) => share));
  }

  #forget(nowMs: number): void {
    for (const [key, { untilMs }] of this.#gathered) {
      if (untilMs > nowMs) return;
      this.#gathered.delete(key);
    }
  }
}

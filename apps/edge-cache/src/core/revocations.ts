/** Tokens that count no more before they expire: single ones, those of a client, or all that were issued until a moment. Pure. */
import type { Claims } from "./tokens.ts";
import { LIFETIME_MAX_S, SKEW_S } from "./tokens.ts";

/** Of single tokens, and of clients; more are refused: what is forgotten would count again. */
const REVOCATIONS_MAX = 100_000;

export type Revocation =
  | { tokenId: string; untilS: number }
  /** Those issued at that second are meant, too. */
  | { client: string; issuedUntilS: number }
  | { everyone: true; issuedUntilS: number };

export class Revocations {
  /** By `jti`, until when it is kept. */
  readonly #tokens = new Map<string, number>();
  /** By client, the last second of issue that is meant. */
  readonly #clients = new Map<string, number>();
  #everyoneS = Number.NEGATIVE_INFINITY;

  constructor(known: readonly Revocation[] = []) {
    for (const one of known) this.add(one);
  }

  /** @returns false when there are too many. */
  add(revocation: Revocation): boolean {
    if ("everyone" in revocation) {
      this.#everyoneS = Math.max(this.#everyoneS, revocation.issuedUntilS);
      return true;
    }
    const isToken = "tokenId" in revocation;
    const all = isToken ? this.#tokens : this.#clients;
    const name = isToken ? revocation.tokenId : revocation.client;
    const seconds = isToken ? revocation.untilS : revocation.issuedUntilS;
    const known = all.get(name);
    if (known === undefined && this.#tokens.size + this.#clients.size >= REVOCATIONS_MAX)
      return false;
    all.set(name, Math.max(known ?? 0, seconds));
    return true;
  }

  has({ tokenId, client, issuedS }: Claims): boolean {
    if (issuedS <= this.#everyoneS) return true;
    if (tokenId !== undefined && this.#tokens.has(tokenId)) return true;
    const untilS = this.#clients.get(client);
    return untilS !== undefined && issuedS <= untilS;
  }

  /** Those whose tokens have all expired. */
  forget(nowS: number): void {
    for (const [name, untilS] of this.#tokens) if (untilS < nowS) this.#tokens.delete(name);
    for (const [name, issuedS] of this.#clients)
      if (lastExpiryS(issuedS) < nowS) this.#clients.delete(name);
    if (lastExpiryS(this.#everyoneS) < nowS) this.#everyoneS = Number.NEGATIVE_INFINITY;
  }

  get count(): number {
    return this.#tokens.size + this.#clients.size + Number(this.#everyoneS > 0);
  }

  /** Whose tokens are refused. */
  clients(): string[] {
    return [...this.#clients.keys()];
  }

  all(): Revocation[] {
    return [
      ...[...this.#tokens].map(([tokenId, untilS]) => ({ tokenId, untilS })),
      ...[...this.#clients].map(([client, issuedUntilS]) => ({ client, issuedUntilS })),
      ...(this.#everyoneS > 0 ? [{ everyone: true, issuedUntilS: this.#everyoneS } as const] : []),
    ];
  }
}

/** When the last token that was issued until then stops counting. */
export function lastExpiryS(issuedUntilS: number): number {
  return issuedUntilS + LIFETIME_MAX_S + SKEW_S;
}

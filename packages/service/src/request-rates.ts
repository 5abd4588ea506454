/** How often each client may do something: token buckets, as one number a client. Pure. */

/** Clients looked at to find some whose buckets are full again. */
const LOOKED_AT = 8;

export interface Rate {
  /** Tokens that come back in a second. */
  perSecond: number;
  /** Tokens of a full bucket. */
  burst: number;
  /** Told apart at a time; beyond, the one that was seen first has a full bucket again. */
  clientsMax: number;
}

export class RequestRates<Client> {
  readonly #msPerToken: number;
  readonly #depthMs: number;
  readonly #clientsMax: number;
  /** By client, when its bucket is full again; none: it is full. In the order in which they came. */
  readonly #fullAtMs = new Map<Client, number>();

  constructor({ perSecond, burst, clientsMax }: Rate) {
    this.#msPerToken = 1_000 / perSecond;
    this.#depthMs = burst * this.#msPerToken;
    this.#clientsMax = clientsMax;
  }

  /** Takes a token. @returns 0, or after how many milliseconds there is one (generic cell rate algorithm, ITU-T I.371). */
  take(client: Client, nowMs: number): number {
    const known = this.#fullAtMs.get(client);
    const fullAtMs = Math.max(nowMs, known ?? nowMs) + this.#msPerToken;
    const waitMs = fullAtMs - nowMs - this.#depthMs;
    // A bucket may be a rounding error short of a token.
    if (waitMs > 1e-6) return waitMs;
    if (known === undefined) this.#makeRoom(nowMs);
    this.#fullAtMs.set(client, fullAtMs);
    return 0;
  }

  /** It will not come again. */
  forget(client: Client): void {
    this.#fullAtMs.delete(client);
  }

  get clients(): number {
    return this.#fullAtMs.size;
  }

  /** Those with a full bucket are as good as forgotten; where there is none, the oldest goes. */
  #makeRoom(nowMs: number): void {
    let lookedAt = 0;
    for (const [client, fullAtMs] of this.#fullAtMs) {
      if (lookedAt++ === LOOKED_AT) break;
      if (fullAtMs <= nowMs) this.#fullAtMs.delete(client);
    }
    if (this.#fullAtMs.size >= this.#clientsMax)
      this.#fullAtMs.delete(this.#fullAtMs.keys().next().value!);
  }
}

/** A carrier on which nobody between gateway and collector can read a message, or change one. */
import { ProducerSeal } from "@glassline/otqmn/seal/producer";
import type { OwnKeys } from "@glassline/otqmn/seal/keys";
import { SealError } from "@glassline/otqmn/seal/keys";
import type { Backoff } from "@glassline/service/backoff";
import { backoff } from "@glassline/service/backoff";
import { messageOf } from "@glassline/service/errors";

import type { Carrier, CarrierEvents } from "./carrier.ts";
import { responseOf } from "./collector-response.ts";
import type { OpenWay } from "./share-ways.ts";
import { shareOut } from "./share-ways.ts";

/** Until there are keys; twice as long after each time in a row that there were none: the way may be slow. */
const OPENING_FIRST_MS = 3_000;
const OPENING_MAX_MS = 24_000;
/** A session says hello, and waits. */
const WAITING_MAX = 8;

export type OpenCarrier = (events: CarrierEvents) => Carrier | undefined;

/** What a secret from end to end takes. */
export interface ShareWays {
  open: OpenWay;
  /** One share is none: keys are of the handshake alone. */
  count: number;
}

/** Gives undefined where `open` gives none. */
export function sealedCarriers(open: OpenCarrier, own: OwnKeys, ways: ShareWays): OpenCarrier {
  const patience = backoff({
    firstMs: OPENING_FIRST_MS,
    maxMs: OPENING_MAX_MS,
    random: () => 1,
  });
  return (events) => {
    const sealed = new SealedCarrier(own, patience, events);
    const inner = open(sealed);
    return inner && sealed.begin(inner, ways);
  };
}

class SealedCarrier implements Carrier, CarrierEvents {
  #seal: ProducerSeal;
  readonly #own: OwnKeys;
  readonly #patience: Backoff;
  readonly #events: CarrierEvents;
  readonly #stop = new AbortController();
  #waiting: Parameters<Carrier["send"]>[] = [];
  #inner!: Carrier;

  constructor(own: OwnKeys, patience: Backoff, events: CarrierEvents) {
    [this.#own, this.#patience, this.#events] = [own, patience, events];
    this.#seal = new ProducerSeal(own);
  }

  begin(inner: Carrier, ways: ShareWays): this {
    this.#inner = inner;
    if (ways.count > 1) void this.#shareOut(ways);
    else inner.send(this.#seal.opening(), []);
    const waitMs = this.#patience.nextMs();
    void this.#own.clock.sleep(waitMs, this.#stop.signal).then(
      () => this.#fail(`no keys with the collector within ${waitMs} ms`),
      () => {},
    );
    return this;
  }

  async #shareOut({ open, count }: ShareWays): Promise<void> {
    try {
      const secret = await shareOut(open, this.#own, count, this.#stop.signal);
      this.#seal = new ProducerSeal(this.#own, secret);
      this.#inner.send(this.#seal.opening(), []);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(messageOf(error));
    }
  }

  get egress(): string {
    return this.#inner.egress;
  }

  isReachable(): boolean {
    return this.#inner.isReachable();
  }

  send(message: Uint8Array, hopContexts: readonly Uint8Array[]): void {
    if (!this.#seal.isAgreed) {
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push([message, hopContexts]);
      return;
    }
    const renewal = this.#seal.renewal();
    if (renewal) this.#inner.send(renewal, []);
    try {
      this.#inner.send(this.#seal.seal(message), hopContexts);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#fail(error.message);
    }
  }

  close(reason: string): void {
    this.#stop.abort();
    this.#inner.close(reason);
  }

  message(bytes: Uint8Array): void {
    try {
      const { inside, answer } = this.#seal.take(responseOf(bytes));
      if (answer) this.#inner.send(answer, []);
      if (this.#seal.isAgreed) this.#sendWaiting();
      if (inside) this.#events.message(inside);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      this.#fail(error.message);
    }
  }

  closed(reason: string): void {
    this.#stop.abort();
    this.#events.closed(reason);
  }

  #sendWaiting(): void {
    this.#stop.abort();
    this.#patience.reset();
    for (const each of this.#waiting.splice(0)) this.send(...each);
  }

  #fail(reason: string): void {
    this.close(reason);
    this.#events.closed(reason);
  }
}

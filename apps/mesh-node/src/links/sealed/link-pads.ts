/**
 * One-time pads of a link, one a direction. The end that dials gets keys of its key manager and tells the other end their ids; both put them at the
 * end of the pad of a direction, in the same order. They live as long as the link, in memory.
 */
import type { KeyStock } from "@glassline/quantum/key-delivery/key-stock";
import { PadUse, padsLastS } from "@glassline/quantum/key-delivery/key-stock";
import { Pad, PadReader } from "@glassline/quantum/keys/pad";
import type { PadAnswer, PadOffer } from "@glassline/proto/mesh";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";

import type { FrameInit } from "../link.ts";
import { ContentsError } from "./contents.ts";
import type { KeySupply } from "./key-supply.ts";
import { KEY_BYTES, bytesIn } from "./key-supply.ts";
import type { Pads } from "./session.ts";

/** Of a direction, bytes at both ends: more stays at the key managers, where it outlives the link. */
export const PAD_BYTES = 16_384;
/** For handshakes, which come first; bytes that stay at the key manager. */
const HANDSHAKES_BYTES = 2_048;
/** Less is not worth an offer, while there is more to come. */
const OFFER_LEAST_BYTES = 512;
const OFFER_KEYS_MAX = 512;

export interface LinkPadsDeps {
  neighbour: string;
  keys: KeySupply;
  /** False: the link is closed. */
  tell: (frame: NonNullable<FrameInit["frame"]>) => boolean;
  /** There is more to send with. */
  filled: () => void;
}

export class LinkPads implements Pads {
  readonly sending = new Pad();
  readonly receiving = new PadReader();
  readonly #deps: LinkPadsDeps;
  readonly #use = new PadUse();
  #answer: PromiseWithResolvers<boolean> | undefined;
  #isOffered = false;
  #isOver = false;

  constructor(deps: LinkPadsDeps) {
    this.#deps = deps;
  }

  /** At the end that dials: seconds for which there are pads. @param nowMs monotonic. */
  lastS(stock: KeyStock, nowMs: number): number {
    const { sending, receiving } = this;
    const usedPerS = this.#use.saw(sending.used + receiving.used, nowMs);
    return padsLastS(sending.left + receiving.left + spareOf(stock), usedPerS, stock.qber);
  }

  /** At the end that dials. */
  async refill(stock: KeyStock): Promise<void> {
    const spareBytes = spareOf(stock);
    const [less, more] = [this.sending, this.receiving].toSorted((a, b) => a.left - b.left);
    // Both as long, where there is so much.
    const level = Math.min(PAD_BYTES, Math.floor((less!.left + more!.left + spareBytes) / 2));
    for (const pad of [less!, more!]) {
      const bytes = Math.min(spareBytes, level - pad.left);
      if (bytes >= OFFER_LEAST_BYTES) await this.#extend(pad, bytes);
    }
  }

  async #extend(pad: Pad | PadReader, maxBytes: number): Promise<void> {
    const { keys, neighbour, tell, filled } = this.#deps;
    const got = await keys.pads(neighbour, maxBytes);
    const bytes = bytesIn(got);
    if (bytes === 0 || this.#isOver) return;
    const ofDialler = pad === this.sending;
    // The other end may send with it before its answer is here.
    if (!ofDialler) addTo(this.receiving, got);
    this.#answer = Promise.withResolvers();
    const keyIds = got.map(({ id }) => id);
    const isTold = tell({ case: "padOffer", value: { ofDialler, keyIds } });
    const isTaken = isTold && (await this.#answer.promise);
    this.#answer = undefined;
    if (!isTaken && !ofDialler) this.receiving.retract(bytes);
    if (!isTaken || !ofDialler || this.#isOver) return;
    addTo(this.sending, got);
    filled();
  }

  /** At the other end. Throws ContentsError: it is no offer that a neighbour would make. */
  offered({ ofDialler, keyIds }: PadOffer): void {
    const pad = ofDialler ? this.receiving : this.sending;
    if (this.#isOffered) throw new ContentsError("one-time pads: got an offer before the answer");
    if (keyIds.length > OFFER_KEYS_MAX || pad.left > PAD_BYTES)
      throw new ContentsError(
        `one-time pads: got ${keyIds.length} keys, expected ${OFFER_KEYS_MAX} at most, and none where there are ${PAD_BYTES} bytes`,
      );
    void this.#take(pad, keyIds);
  }

  async #take(pad: Pad | PadReader, keyIds: readonly string[]): Promise<void> {
    const { keys, neighbour, tell, filled } = this.#deps;
    this.#isOffered = true;
    const got = await keys.known(neighbour, keyIds);
    this.#isOffered = false;
    if (this.#isOver) return;
    addTo(pad, got);
    tell({ case: "padAnswer", value: { isTaken: got.length > 0 } });
    if (pad === this.sending) filled();
  }

  /** Throws ContentsError: nothing was offered. */
  answered({ isTaken }: PadAnswer): void {
    if (!this.#answer)
      throw new ContentsError("answer about one-time pads: got one, expected none");
    this.#answer.resolve(isTaken);
  }

  /** The link is over. */
  wipe(): void {
    this.#isOver = true;
    this.#answer?.resolve(false);
    this.sending.wipe();
    this.receiving.wipe();
  }
}

const spareOf = ({ keys }: KeyStock): number => Math.max(0, KEY_BYTES * keys - HANDSHAKES_BYTES);

function addTo(pad: Pad | PadReader, keys: readonly QuantumKey[]): void {
  for (const { key } of keys) pad.add(key);
}

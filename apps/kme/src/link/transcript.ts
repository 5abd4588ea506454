/** What two ends have said to each other, and the tags that show it came as it was said. */
import { hkdfSync } from "node:crypto";

import { toBinary } from "@bufbuild/protobuf";
import type { Remark } from "@glassline/proto/kme";
import { RemarkSchema } from "@glassline/proto/kme";
import { TAG_BYTES, isSame, tagged } from "@glassline/quantum/distillation/authentication";

/** Of each block's secret, what the tags of the next one take. */
export const PAD_BYTES = 2 * TAG_BYTES;

interface Pads {
  sender: Uint8Array;
  receiver: Uint8Array;
}

/** Both ends say the same in the same order, as they take turns. */
export class Transcript {
  readonly #derive: (what: string, bytes: number) => Uint8Array;
  readonly #key: Uint8Array;
  #blocks = 0;
  #pads: Pads;
  #said: Uint8Array[] = [];

  /**
   * @param secret that both ends had before, and nobody else.
   * @param nonces of the sender and of the receiver of light. Until there is a first key tags are as safe as HKDF; then whatever somebody can compute.
   */
  constructor(secret: Uint8Array, nonces: readonly [Uint8Array, Uint8Array]) {
    const salt = Buffer.concat(nonces);
    this.#derive = (what, bytes) =>
      new Uint8Array(hkdfSync("sha256", secret, salt, `glassline quantum link ${what}`, bytes));
    this.#key = this.#derive("hash", TAG_BYTES);
    this.#pads = this.#derivedPads();
  }

  add(remark: Remark): void {
    this.#said.push(toBinary(RemarkSchema, remark));
  }

  tagOf(end: keyof Pads): Uint8Array {
    return tagged(Buffer.concat(this.#said), this.#key, this.#pads[end]);
  }

  isFrom(end: keyof Pads, tag: Uint8Array): boolean {
    return isSame(this.tagOf(end), tag);
  }

  /** A block has ended. @param pads for the next one, of this one's secret; undefined: it had none. */
  next(pads: Uint8Array | undefined): void {
    this.#said = [];
    this.#blocks++;
    this.#pads = pads ? padsOf(pads) : this.#derivedPads();
  }

  /** Each is used once. */
  #derivedPads(): Pads {
    return padsOf(this.#derive(`pads ${this.#blocks}`, PAD_BYTES));
  }
}

const padsOf = (bytes: Uint8Array): Pads => ({
  sender: bytes.slice(0, TAG_BYTES),
  receiver: bytes.slice(TAG_BYTES, PAD_BYTES),
});

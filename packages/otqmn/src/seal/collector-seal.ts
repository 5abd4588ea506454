/**
 * The collector's end of a sealed stream: it answers, and knows the producer by its certificate. Its own state only; what it gives has to be sent. A
 * stream that begins without an opening stays as it is: nobody stands between its ends but TLS.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Handshake, Opening, Passage, Share, StreamRequest } from "@glassline/proto/otqmn";
import { StreamRequestSchema, StreamResponseSchema } from "@glassline/proto/otqmn";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";
import { Epochs, sessionKeys } from "@glassline/quantum/keys/epochs";
import { HandshakeError, take } from "@glassline/quantum/keys/handshake";
import type { Introduced } from "@glassline/quantum/keys/introduction";
import { introduce, verifyIntroduction } from "@glassline/quantum/keys/introduction";
import { SignatureError } from "@glassline/service/signed";

import type { ShareBook } from "./shares.ts";
import { SHARES_MAX, SHARE_BYTES } from "./shares.ts";
import type { OwnKeys } from "./stream-keys.ts";
import { CONTEXT, SealError, agreementOf } from "./stream-keys.ts";

export type ResponseInit = MessageInitShape<typeof StreamResponseSchema>;

/** A UUID. */
const ID_MAX = 36;

export class CollectorSeal {
  readonly #own: OwnKeys;
  readonly #epochs = new Epochs();
  #peer: Introduced | undefined;
  #hasBegun = false;
  #epoch = 0;

  readonly #book: ShareBook;
  /** That came in shares; for as long as the stream. */
  #secret: QuantumKey | undefined;

  /** @param book of all streams of this collector. */
  constructor(own: OwnKeys, book: ShareBook) {
    [this.#own, this.#book] = [own, book];
  }

  /** Nothing goes in clear. */
  get isSealed(): boolean {
    return this.#peer !== undefined;
  }

  /** @returns the message inside, if there is one, and what has to be sent now, if anything. Throws SealError. */
  take(request: StreamRequest): { inside?: StreamRequest; answer?: ResponseInit } {
    const { message, passage } = request;
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (message.case === "opening") {
      const answer = this.#answer(message.value, isFirst, passage);
      return answer ? { answer } : {};
    }
    if (!this.#peer) {
      if (message.case === "sealed")
        throw new SealError("message: got a sealed one, expected an introduction first");
      return { inside: request };
    }
    if (message.case !== "sealed")
      throw new SealError(`message: got ${message.case ?? "none"} unsealed, expected a sealed one`);
    const inside = this.#open(message.value, this.#peer);
    if (!inside) return {};
    // What the way added stands outside.
    if (passage) inside.passage = passage;
    else delete inside.passage;
    return { inside };
  }

  /** As it goes to the producer; undefined: there are no keys yet, and nothing goes in clear. Throws RangeError when their time is over. */
  put(response: ResponseInit): ResponseInit | undefined {
    if (!this.#peer) return response;
    if (!this.#epochs.maySeal) return undefined;
    const bytes = toBinary(StreamResponseSchema, create(StreamResponseSchema, response));
    return { message: { case: "sealed", value: this.#epochs.seal(bytes, this.#nowMs()) } };
  }

  #open(record: Uint8Array, { name }: Introduced): StreamRequest | undefined {
    const opened = this.#epochs.open(Buffer.from(record), this.#nowMs());
    // A copy that came another way has been opened.
    if (opened === "replayed") return undefined;
    if (typeof opened === "string")
      throw new SealError(`message: got a record that cannot be opened (${opened})`);
    const inside = requestIn(opened.content);
    const { message } = inside;
    if (message.case === "hello" && message.value.producer !== name)
      throw new SealError(
        `Hello: got one of ${message.value.producer}, expected one of ${name}, whose stream it is`,
      );
    return inside;
  }

  #answer(
    { step }: Opening,
    isFirst: boolean,
    passage: Passage | undefined,
  ): ResponseInit | undefined {
    try {
      if (step.case === "introduction" && (isFirst || this.#peer))
        return this.#introduce(step.value);
      if (step.case === "handshake" && this.#peer) return this.#shake(step.value, this.#peer);
      if (step.case === "share" && this.#peer)
        return this.#takeShare(step.value, this.#peer, passage);
    } catch (error) {
      if (!(error instanceof SignatureError || error instanceof HandshakeError)) throw error;
      throw new SealError(`producer: ${error.message}`, { cause: error });
    }
    throw new SealError(`opening: got ${step.case ?? "none"} out of turn`);
  }

  #introduce(introduction: Parameters<typeof verifyIntroduction>[1]): ResponseInit {
    const { identity, clock, key, incarnation } = this.#own;
    const role = "mesh-node";
    const peer = verifyIntroduction(CONTEXT, introduction, role, identity.ca, clock.nowMs());
    if (this.#peer && !isSame(this.#peer, peer))
      throw new SealError(
        `introduction: got one of ${peer.name}, expected that of ${this.#peer.name}`,
      );
    this.#peer = peer;
    const introduced = { name: identity.instance, publicKey: key.publicKey, incarnation };
    const value = introduce(CONTEXT, introduced, identity, clock.nowUnixNano());
    return { message: { case: "opening", value: { step: { case: "introduction", value } } } };
  }

  #shake({ epoch, message }: Handshake, peer: Introduced): ResponseInit | undefined {
    // It has come twice, or late.
    if (epoch <= this.#epoch) return undefined;
    const { identity, key } = this.#own;
    const taken = take({ name: identity.instance, key }, peer, message);
    const answer = taken.answer(agreementOf(epoch), this.#secretOf(peer, taken.quantumKeyId));
    this.#epoch = epoch;
    this.#epochs.begin(sessionKeys(answer.keys, "responder", epoch, epoch), this.#nowMs());
    const value = { epoch, message: answer.message };
    return { message: { case: "opening", value: { step: { case: "handshake", value } } } };
  }

  #takeShare(
    { id, index, count, share }: Share,
    { name }: Introduced,
    passage: Passage | undefined,
  ): ResponseInit {
    const isShare = count <= SHARES_MAX && index < count && share.length === SHARE_BYTES;
    if (!isShare || id.length > ID_MAX)
      throw new SealError(
        `share: got ${share.length} bytes, ${index + 1} of ${count}, expected ${SHARE_BYTES}, of ${SHARES_MAX} at most`,
      );
    const nodes = passage?.links.map(({ to }) => to) ?? [];
    this.#book.add(name, { id, index, count, share, nodes }, this.#nowMs());
    const value = { id, index, count, nodes };
    return { message: { case: "opening", value: { step: { case: "share", value } } } };
  }

  /** Throws SealError: the producer names one that is not here. */
  #secretOf({ name }: Introduced, id: string | undefined): QuantumKey | undefined {
    if (id === undefined || this.#secret?.id === id) return this.#secret;
    const key = this.#book.take(name, id, this.#nowMs());
    if (typeof key === "string") throw new SealError(`shares: ${key}`);
    return (this.#secret = { id, key, source: "shares" });
  }

  #nowMs(): number {
    return this.#own.clock.monotonicMs();
  }
}

const isSame = (one: Introduced, other: Introduced): boolean =>
  one.name === other.name && Buffer.compare(one.publicKey, other.publicKey) === 0;

function requestIn(content: Uint8Array): StreamRequest {
  try {
    return fromBinary(StreamRequestSchema, content);
  } catch (error) {
    throw new SealError(`message: got ${content.length} bytes that are none`, { cause: error });
  }
}

/**
 * The producer's end of a sealed stream: it begins, knows the collector by its certificate, and renews the keys. Its own state only; what it gives has to be
 * sent.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Opening, StreamResponse } from "@glassline/proto/otqmn";
import { StreamRequestSchema } from "@glassline/proto/otqmn";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";
import { Epochs, sessionKeys } from "@glassline/quantum/keys/epochs";
import type { Offer } from "@glassline/quantum/keys/handshake";
import { HandshakeError, offer } from "@glassline/quantum/keys/handshake";
import type { Introduced } from "@glassline/quantum/keys/introduction";
import { introduce, verifyIntroduction } from "@glassline/quantum/keys/introduction";
import { REKEY_AFTER_MS } from "@glassline/quantum/keys/records";
import { SignatureError } from "@glassline/service/signed";

import type { OwnKeys } from "./stream-keys.ts";
import { CONTEXT, SealError, agreementOf } from "./stream-keys.ts";

/** A handshake whose answer was lost is begun again after this. */
const HANDSHAKE_AGAIN_MS = 5_000;

type RequestInit = MessageInitShape<typeof StreamRequestSchema>;

export class ProducerSeal {
  readonly #own: OwnKeys;
  readonly #epochs = new Epochs();
  #peer: Introduced | undefined;
  #offer: Offer | undefined;
  #epoch = 0;
  #renewAtMs = Infinity;

  readonly #secret: QuantumKey | undefined;

  /** @param secret that the collector has in shares; its keys take it in. */
  constructor(own: OwnKeys, secret?: QuantumKey) {
    [this.#own, this.#secret] = [own, secret];
  }

  /** Messages can be sealed. */
  get isAgreed(): boolean {
    return this.#epochs.maySeal;
  }

  /** The first message of the stream. */
  opening(): Uint8Array {
    const { identity, clock, key, incarnation } = this.#own;
    const introduced = { name: identity.instance, publicKey: key.publicKey, incarnation };
    const value = introduce(CONTEXT, introduced, identity, clock.nowUnixNano());
    return requestOf({ case: "opening", value: { step: { case: "introduction", value } } });
  }

  /** @returns what was inside, if anything, and what has to be sent now, if anything. Throws SealError. */
  take({ message }: StreamResponse): { inside?: Uint8Array; answer?: Uint8Array } {
    if (message.case === "opening") return this.#takeOpening(message.value);
    if (message.case !== "sealed")
      throw new SealError(`message: got ${message.case ?? "none"} unsealed, expected a sealed one`);
    const opened = this.#epochs.open(Buffer.from(message.value), this.#nowMs());
    if (typeof opened !== "string") return { inside: opened.content };
    // A copy that came another way has been opened.
    if (opened === "replayed") return {};
    throw new SealError(`message: got a record that cannot be opened (${opened})`);
  }

  /** Throws RangeError when there are no keys, or their time is over. */
  seal(request: Uint8Array): Uint8Array {
    return requestOf({ case: "sealed", value: this.#epochs.seal(request, this.#nowMs()) });
  }

  /** What has to be sent for new keys; undefined: not yet. */
  renewal(): Uint8Array | undefined {
    return this.#peer && this.#nowMs() >= this.#renewAtMs ? this.#handshake() : undefined;
  }

  #takeOpening({ step }: Opening): { answer?: Uint8Array } {
    try {
      if (step.case === "introduction") {
        const { identity, clock } = this.#own;
        const known = [CONTEXT, step.value, "collector", identity.ca, clock.nowMs()] as const;
        this.#peer = verifyIntroduction(...known);
        return { answer: this.#handshake() };
      }
      if (step.case === "handshake") this.#finish(step.value.epoch, step.value.message);
      return {};
    } catch (error) {
      if (!(error instanceof SignatureError || error instanceof HandshakeError)) throw error;
      throw new SealError(`collector: ${error.message}`, { cause: error });
    }
  }

  #handshake(): Uint8Array {
    const { identity, clock, key } = this.#own;
    const self = { name: identity.instance, key };
    const epoch = ++this.#epoch;
    const said = { moment: clock.nowUnixNano(), quantumKey: this.#secret };
    this.#offer = offer(self, this.#peer!, agreementOf(epoch), said);
    this.#renewAtMs = this.#nowMs() + HANDSHAKE_AGAIN_MS;
    const value = { epoch, message: this.#offer.message };
    return requestOf({ case: "opening", value: { step: { case: "handshake", value } } });
  }

  #finish(epoch: number, message: Uint8Array): void {
    // Of one that was begun again, or has come twice.
    if (epoch !== this.#epoch || !this.#offer) return;
    const nowMs = this.#nowMs();
    const keys = sessionKeys(this.#offer.finish(message), "initiator", epoch, epoch);
    this.#offer = undefined;
    this.#epochs.begin(keys, nowMs);
    this.#epochs.turnTo(keys, nowMs);
    this.#renewAtMs = nowMs + REKEY_AFTER_MS;
  }

  #nowMs(): number {
    return this.#own.clock.monotonicMs();
  }
}

const requestOf = (message: RequestInit["message"] & object): Uint8Array =>
  toBinary(StreamRequestSchema, create(StreamRequestSchema, { message }));

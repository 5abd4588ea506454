/** How nodes come to the keys of a link: who they are (introductions), and the keys of an epoch (handshakes). Both ends. */
import { randomInt } from "node:crypto";

import type { HandshakeFirst, HandshakeSecond, Introduction, Opening } from "@glassline/proto/mesh";
import type { Mode } from "@glassline/quantum/keys/epoch";
import { NoQuantumKey } from "@glassline/quantum/keys/epoch";
import type { SessionKeys } from "@glassline/quantum/keys/epochs";
import { sessionKeys } from "@glassline/quantum/keys/epochs";
import { HandshakeError, offer, take } from "@glassline/quantum/keys/handshake";
import type { Introduced } from "@glassline/quantum/keys/introduction";
import { introduce, verifyIntroduction } from "@glassline/quantum/keys/introduction";
import type { PrivateKey } from "@glassline/quantum/keys/x-wing";
import { privateKeyOf } from "@glassline/quantum/keys/x-wing";
import type { Clock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import { SignatureError } from "@glassline/service/signed";

import { Answered } from "./answered.ts";
import type { KeySupply } from "./key-supply.ts";
import type { Address, OpeningChannel, OpeningInit } from "./opening-channel.ts";
import { keyOf } from "./opening-channel.ts";
import { selfTest } from "./self-test.ts";

export interface OpeningDeps {
  identity: Identity;
  incarnation: bigint;
  clock: Clock;
  keys: KeySupply;
  mode: Mode;
  allowSimulatedKeys: boolean;
  /** Told of each opening that is not taken. */
  dropped: (reason: string) => void;
}

/** What handshakes have to know of links. */
export interface Links {
  isIndexTaken: (index: number) => boolean;
  /** Undefined: such a handshake may be answered. @param rekeyedIndex 0: for a new link. */
  refusal: (peer: Introduced, rekeyedIndex: number) => string | undefined;
  /** The other end began; it has these keys when a record under them comes. */
  begun: (peer: Introduced, from: Address, keys: SessionKeys, first: HandshakeFirst) => void;
}

/** Of introductions. */
const CONTEXT = "glassline mesh introduction v1";

export class Openings {
  readonly #deps: OpeningDeps;
  readonly #channel: OpeningChannel;
  readonly #links: Links;
  readonly #key: PrivateKey = privateKeyOf();
  readonly #self: Introduced;
  readonly #answered = new Answered();
  #moment = 0n;

  /** Throws OperatorError: this machine cannot make links. */
  constructor(deps: OpeningDeps, channel: OpeningChannel, links: Links) {
    [this.#deps, this.#channel, this.#links] = [deps, channel, links];
    const { identity, incarnation } = deps;
    this.#self = { name: identity.instance, publicKey: this.#key.publicKey, incarnation };
    selfTest(CONTEXT, { ...deps, self: this.#self, key: this.#key });
  }

  /** Who is at this address. Rejects when it is somebody else, or nobody. */
  async meet(name: string, to: Address, signal: AbortSignal): Promise<Introduced> {
    const introduction = this.#introduction("introduction");
    const answer = await this.#channel.ask(keyOf(to), to, introduction, signal);
    const peer = this.#verified(answer.value as Introduction);
    if (peer.name !== name)
      throw new Error(
        `certificate: got that of mesh-node ${peer.name}, expected mesh-node ${name}`,
      );
    return peer;
  }

  /** The dialling end of a handshake. @param rekeyedIndex 0: for a new link. */
  async shake(
    peer: Introduced,
    to: Address,
    signal: AbortSignal,
    epoch: number,
    rekeyedIndex: number,
  ): Promise<SessionKeys> {
    const { mode, allowSimulatedKeys, keys } = this.#deps;
    const quantumKey = await keys.fresh(peer.name);
    if (mode !== "hybrid" && !quantumKey)
      throw new NoQuantumKey(`mode ${mode}: got no QKD key, expected one`);
    const agreement = { epoch, mode, allowSimulatedKeys };
    const { message, finish } = offer(this.#own, peer, agreement, {
      moment: this.#nextMoment(),
      quantumKey,
    });
    const ownIndex = this.#newIndex();
    const first = { senderIndex: ownIndex, epoch, mode, message, rekeyedIndex };
    const question = { case: "first", value: first } as const;
    const answer = await this.#channel.ask(`${ownIndex}`, to, question, signal);
    const second = answer.value as HandshakeSecond;
    const agreed = finish(second.message);
    return sessionKeys(agreed, "initiator", ownIndex, second.senderIndex);
  }

  /** What somebody said who was not asked. */
  take(opening: Opening["opening"], from: Address): void {
    if (!this.#answered.mayLook(from.address, this.#deps.clock.monotonicMs()))
      return this.#deps.dropped("too_often");
    if (opening.case === "introduction") return this.#introduced(opening.value, from);
    if (opening.case === "first") void this.#first(opening.value, from);
  }

  #introduction(as: "introduction" | "introductionAnswer"): OpeningInit {
    const { identity, clock } = this.#deps;
    return { case: as, value: introduce(CONTEXT, this.#self, identity, clock.nowUnixNano()) };
  }

  /** Throws SignatureError. */
  #verified(introduction: Introduction): Introduced {
    const { identity, clock } = this.#deps;
    return verifyIntroduction(CONTEXT, introduction, "mesh-node", identity.ca, clock.nowMs());
  }

  #introduced(introduction: Introduction, from: Address): void {
    try {
      this.#answered.met(keyOf(from), this.#verified(introduction));
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      return this.#deps.dropped("not_of_this_network");
    }
    this.#channel.say(this.#introduction("introductionAnswer"), from);
  }

  /** The other end of a handshake. What is wrong is counted and not answered. */
  async #first(first: HandshakeFirst, from: Address): Promise<void> {
    const peer = this.#answered.whoIs(keyOf(from));
    if (!peer) return this.#deps.dropped("not_introduced");
    try {
      const taken = take(this.#own, peer, Buffer.from(first.message));
      const again = this.#answered.begin(peer, taken.moment);
      if (again === "old") return this.#deps.dropped("old_handshake");
      if (again !== "new") return again && this.#channel.say(again, from);
      const second = await this.#answer(first, taken, peer, from);
      if (!second) return;
      this.#answered.end(peer, taken.moment, second);
      this.#channel.say(second, from);
    } catch (error) {
      if (error instanceof HandshakeError) return this.#deps.dropped("malformed_handshake");
      if (error instanceof NoQuantumKey) return this.#deps.dropped("no_quantum_key");
      throw error;
    }
  }

  async #answer(
    first: HandshakeFirst,
    { quantumKeyId, answer }: ReturnType<typeof take>,
    peer: Introduced,
    from: Address,
  ): Promise<OpeningInit | undefined> {
    const { senderIndex, epoch, rekeyedIndex } = first;
    const { keys, mode, allowSimulatedKeys, dropped } = this.#deps;
    const isOtherMode = first.mode !== mode;
    const refusal = isOtherMode ? "other_mode" : this.#links.refusal(peer, rekeyedIndex);
    if (refusal !== undefined) {
      dropped(refusal);
      return undefined;
    }
    const [quantumKey] =
      quantumKeyId === undefined ? [] : await keys.known(peer.name, [quantumKeyId]);
    if (quantumKeyId !== undefined && !quantumKey)
      throw new NoQuantumKey(`key ${quantumKeyId}: cannot be had here`);
    const { message, keys: agreed } = answer({ epoch, mode, allowSimulatedKeys }, quantumKey);
    const ownIndex = this.#newIndex();
    const used = sessionKeys(agreed, "responder", ownIndex, senderIndex);
    this.#links.begun(peer, from, used, first);
    const second = { senderIndex: ownIndex, receiverIndex: senderIndex, message };
    return { case: "second", value: second };
  }

  get #own() {
    return { name: this.#self.name, key: this.#key };
  }

  /** Each later than the one before it. */
  #nextMoment(): bigint {
    const now = this.#deps.clock.nowUnixNano();
    this.#moment = now > this.#moment ? now : this.#moment + 1n;
    return this.#moment;
  }

  #newIndex(): number {
    for (;;) {
      const index = randomInt(1, 2 ** 32);
      if (!this.#links.isIndexTaken(index) && !this.#channel.isWaiting(`${index}`)) return index;
    }
  }
}

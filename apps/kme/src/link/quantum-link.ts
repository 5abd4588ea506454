/** A quantum link as one of its key managers has it: secret bytes, and the keys that are made of them. */
import { randomBytes, randomUUID } from "node:crypto";

import type { Assign, Remark } from "@glassline/proto/kme";
import { Share } from "@glassline/proto/kme";
import type { DeliveredKey } from "@glassline/quantum/key-delivery/messages";
import type { MeanPhotons } from "@glassline/quantum/photons/pulses";
import type { DecoyLink } from "@glassline/quantum/physics/decoy-bb84";
import type { Clock } from "@glassline/service/clock";
import type { Random } from "@glassline/service/random";

import { KeyPool } from "@glassline/quantum/keys/key-pool";
import { unavailable } from "../core/standard.ts";
import type { WaitingKeys } from "../core/waiting-keys.ts";
import type { LinkEnd, Outcome } from "./link-end.ts";
import type { LightSource, PairLink } from "./light-source.ts";
import { PairSource, PulseSource } from "./light-source.ts";
import { ReceivingEnd } from "./receiving-end.ts";
import { LinkProblem, remark } from "./remarks.ts";
import { SendingEnd } from "./sending-end.ts";

const NONCE_BYTES = 32;
const ASSIGN_TIMEOUT_MS = 2_000;
const DECOY_MEAN = 0.1;
/** By how much chance may have favoured us, in standard deviations. */
const DEVIATIONS = 5;

export interface QuantumLinkDeps {
  /** The key manager at the other end. */
  peer: string;
  /** This end sends the light. */
  isSender: boolean;
  link: DecoyLink;
  /** Instead of pulses over that link; undefined: there are none. */
  pairs?: PairLink | undefined;
  pulses: number;
  blockBits: number;
  storeBytes: number;
  eavesdropped: number;
  /** That both ends have. */
  secret: Uint8Array;
  waiting: WaitingKeys;
  /** Whether the other end may give away keys of this master for this slave. */
  accepts: (names: SaeNames) => boolean;
  clock: Clock;
  random: Random;
  /** Told of each block. */
  ended: (outcome: Outcome) => void;
}

/** Who asked for keys, and who has to ask for them by their ids. */
export interface SaeNames {
  masterSaeId: string;
  slaveSaeId: string;
  /** Who may ask for them, too. */
  additionalSlaveSaeIds?: readonly string[];
}

export type Say = (remark: Remark) => void;

interface Connection {
  say: Say;
  end: LinkEnd;
  sending: SendingEnd | undefined;
}

const protocolOf = (isEntangled: boolean | undefined): string =>
  isEntangled === undefined ? "" : isEntangled ? "e91" : "bb84";

export class QuantumLink {
  readonly #deps: QuantumLinkDeps;
  /** Of which this end gives away keys, and the other one. */
  readonly #own: KeyPool;
  readonly #theirs: KeyPool;
  readonly #assigning = new Map<bigint, (problem: string) => void>();
  #requests = 0n;
  #connection: Connection | undefined;
  #qber: number | undefined;
  #chsh: number | undefined;
  #blocks = 0;
  #refused = 0;
  #eavesdropped: number;

  constructor(deps: QuantumLinkDeps) {
    this.#deps = deps;
    this.#own = new KeyPool(deps.storeBytes);
    this.#theirs = new KeyPool(deps.storeBytes);
    this.#eavesdropped = deps.eavesdropped;
  }

  get isUp(): boolean {
    return this.#connection !== undefined;
  }

  /** A connection to the other end is there; it takes the place of one before. @returns what hears what comes on it. */
  opened(say: Say): (heard: Remark) => void {
    this.#forget("another connection came");
    const nonce = randomBytes(NONCE_BYTES);
    const { link, secret, random, isSender, pulses, blockBits } = this.#deps;
    const ended = (outcome: Outcome) => this.#ended(outcome);
    const common = { secret, nonce, say, ended };
    const sending = isSender
      ? new SendingEnd({ ...common, pulses, source: this.#source(), share: () => this.#share() })
      : undefined;
    const randomly = { random, randomBytes: cryptoBytes };
    const end = sending ?? new ReceivingEnd({ ...common, ...randomly, link, blockBits });
    if (sending) sending.eavesdropped = this.#eavesdropped;
    const connection = { say, end, sending };
    this.#connection = connection;
    return (heard) => {
      if (this.#connection === connection) this.#hear(connection, heard);
    };
  }

  #source(): LightSource {
    const { link, pairs, random } = this.#deps;
    const common = { deviations: DEVIATIONS, randomBytes: cryptoBytes };
    const means: MeanPhotons = { signal: link.meanPhotons, decoy: DECOY_MEAN, vacuum: 0 };
    if (pairs) return new PairSource(pairs, common, random);
    return new PulseSource(link, { ...common, means }, random);
  }

  /** The connection is there no more: both ends begin anew, with nothing. @param say of that connection. */
  closed(say: Say): void {
    if (this.#connection?.say === say) this.#forget("the link is down");
  }

  /** Another frame, when there is room for what it gives. */
  light(): void {
    if (!this.#own.isFull || !this.#theirs.isFull) this.#connection?.sending?.light();
  }

  /** Somebody measures a share of the photons from now on. @returns whether this end simulates the fibre. */
  eavesdrop(share: number): boolean {
    if (!this.#deps.isSender) return false;
    this.#eavesdropped = share;
    if (this.#connection?.sending) this.#connection.sending.eavesdropped = share;
    return true;
  }

  /** Keys that `slaveSaeId` can ask its key manager for, from now on. Rejects with Refused: there are not so many, or the other end does not answer. */
  async take(
    { number, sizeBytes }: { number: number; sizeBytes: number },
    { masterSaeId, slaveSaeId, additionalSlaveSaeIds = [] }: SaeNames,
  ): Promise<DeliveredKey[]> {
    const { peer, clock } = this.#deps;
    const connection = this.#connection;
    if (!connection) throw unavailable(`no quantum link to ${peer}`);
    const offset = BigInt(this.#own.taken);
    const bytes = this.#own.take(number * sizeBytes);
    if (!bytes)
      throw unavailable(
        `keys: got a request for ${number} of ${sizeBytes * 8} bits, have ${Math.floor(this.#own.bytes / sizeBytes)}`,
      );
    const keys = keysOf(
      bytes,
      sizeBytes,
      Array.from({ length: number }, () => randomUUID()),
    );
    const request = this.#requests++;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#assigning.set(request, resolve);
    const late = new AbortController();
    void clock.sleep(ASSIGN_TIMEOUT_MS, late.signal).then(
      () => resolve("no answer in time"),
      () => {},
    );
    const keyIds = keys.map(({ id }) => id);
    const names = { masterSaeId, slaveSaeId, additionalSlaveSaeIds: [...additionalSlaveSaeIds] };
    const value = { ...names, request, keyIds, keyBytes: sizeBytes, offset };
    connection.say(remark({ case: "assign", value }));
    const problem = await promise;
    late.abort();
    this.#assigning.delete(request);
    if (problem === "") return keys;
    for (const { key } of keys) key.fill(0);
    throw unavailable(`${peer}: ${problem}`);
  }

  status() {
    return {
      peer: this.#deps.peer,
      isUp: this.isUp,
      source: "sim",
      storedBytes: BigInt(this.#own.bytes),
      blocks: BigInt(this.#blocks),
      refusedBlocks: BigInt(this.#refused),
      lengthKm: this.#deps.link.lengthKm,
      eavesdropped: this.#eavesdropped,
      protocol: protocolOf(this.#connection?.end.isEntangled),
      path: [...(this.#deps.pairs?.path ?? [])],
      ...(this.#chsh !== undefined && { chsh: this.#chsh }),
      ...(this.#qber !== undefined && { qber: this.#qber }),
    };
  }

  /** Keys of so many bytes that can be given away now. */
  stored(sizeBytes: number): number {
    return Math.floor(this.#own.bytes / sizeBytes);
  }

  wipe(): void {
    this.#forget("this key manager stops");
  }

  #hear(connection: Connection, heard: Remark): void {
    const { case: kind, value } = heard.remark;
    if (kind === "assign") return this.#assign(connection, value);
    if (kind === "assigned") return this.#assigning.get(value.request)?.(value.problem);
    connection.end.hear(heard);
  }

  /** What one end does not use up is not heaped up. */
  #share(): Share {
    if (this.#own.isFull) return Share.RECEIVER;
    return this.#theirs.isFull ? Share.SENDER : Share.BOTH;
  }

  /** The other end gives away keys out of its half. */
  #assign({ say }: Connection, asked: Assign): void {
    const { request, masterSaeId, slaveSaeId, keyIds, keyBytes, offset } = asked;
    const slaveSaeIds = [slaveSaeId, ...asked.additionalSlaveSaeIds];
    if (offset !== BigInt(this.#theirs.taken))
      throw new LinkProblem(`assign: got offset ${offset}, expected ${this.#theirs.taken}`);
    const bytes = keyBytes > 0 ? this.#theirs.take(keyIds.length * keyBytes) : undefined;
    if (!bytes) throw new LinkProblem("assign: got more than there is, expected less");
    const { accepts, waiting, clock } = this.#deps;
    const isOurs = slaveSaeIds.every((slave) => accepts({ masterSaeId, slaveSaeId: slave }));
    const problem = isOurs
      ? ""
      : `${slaveSaeIds.join()}: no SAE here, or ${masterSaeId} none there`;
    if (isOurs)
      for (const one of keysOf(bytes, keyBytes, keyIds))
        waiting.add({ ...one, masterSaeId, slaveSaeIds }, clock.monotonicMs());
    bytes.fill(0);
    say(remark({ case: "assigned", value: { request, problem } }));
  }

  #ended(outcome: Outcome): void {
    const { halves, qber } = outcome;
    this.#qber = qber ?? this.#qber;
    this.#chsh = this.#connection?.sending?.chsh ?? this.#chsh;
    if (halves) {
      const { isSender } = this.#deps;
      this.#own.add(isSender ? halves.sender : halves.receiver);
      this.#theirs.add(isSender ? halves.receiver : halves.sender);
      this.#blocks++;
    } else this.#refused++;
    this.#deps.ended(outcome);
  }

  #forget(problem: string): void {
    this.#connection = undefined;
    this.#own.wipe();
    this.#theirs.wipe();
    for (const resolve of this.#assigning.values()) resolve(problem);
    this.#assigning.clear();
  }
}

const cryptoBytes = (count: number): Uint8Array => Uint8Array.from(randomBytes(count));

function keysOf(bytes: Uint8Array, size: number, ids: readonly string[]): DeliveredKey[] {
  return ids.map((id, at) => ({ id, key: bytes.slice(at * size, (at + 1) * size) }));
}

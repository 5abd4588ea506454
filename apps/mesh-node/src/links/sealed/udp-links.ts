/**
 * Links over UDP: introductions, handshakes, then sealed records (README.md, "Links over UDP"). One socket for all of them. The end that dials begins;
 * whoever answers keeps nothing of strangers but what is bounded.
 */
import { randomInt } from "node:crypto";
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import type { HandshakeFirst, HandshakeSecond, Introduction } from "@glassline/proto/mesh";
import type { Mode } from "@glassline/quantum/keys/epoch";
import { NoQuantumKey } from "@glassline/quantum/keys/epoch";
import { HandshakeError, offer, take } from "@glassline/quantum/keys/handshake";
import type { SessionKeys } from "@glassline/quantum/keys/epochs";
import { sessionKeys } from "@glassline/quantum/keys/epochs";
import type { Introduced } from "@glassline/quantum/keys/introduction";
import { introduce, verifyIntroduction } from "@glassline/quantum/keys/introduction";
import type { KeyTimes } from "@glassline/quantum/keys/records";
import { KEY_TIMES, indexOf } from "@glassline/quantum/keys/records";
import type { PrivateKey } from "@glassline/quantum/keys/x-wing";
import { privateKeyOf } from "@glassline/quantum/keys/x-wing";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import { SignatureError } from "@glassline/service/signed";

import type { DialOnce } from "../keep-link.ts";
import type { LinkEvents } from "../link.ts";
import { Answered } from "./answered.ts";
import type { KeySupply } from "./key-supply.ts";
import type { Address, OpeningInit } from "./opening-channel.ts";
import { OpeningChannel, keyOf } from "./opening-channel.ts";
import { TYPE_OPENING } from "./opening-parts.ts";
import { selfTest } from "./self-test.ts";
import { UdpLink } from "./udp-link.ts";

export interface UdpDeps {
  identity: Identity;
  incarnation: bigint;
  events: LinkEvents;
  clock: Clock;
  keys: KeySupply;
  mode: Mode;
  allowSimulatedKeys: boolean;
  keyTimes?: KeyTimes;
  datagramBytes?: number;
  /** Told of each datagram that is not taken. */
  dropped: (reason: string) => void;
  /** Told of each datagram that is sent. "opening": it is said before there are keys. */
  sent?: (bytes: number, carries: "data" | "control" | "opening") => void;
}

/** Of introductions. */
const CONTEXT = "glassline mesh introduction v1";
/** For a new link to be used. */
const UNUSED_MAX_MS = 5_000;
const LINKS_MAX = 1_024;
/** What comes while this process does something else; the kernel gives as much as net.core.rmem_max allows. */
const SOCKET_BUFFER_BYTES = 4 * 1_048_576;
/** Between looks at what keys there are. */
const STOCK_MS = 2_000;

export class UdpLinks implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #deps: UdpDeps;
  readonly #self: Introduced;
  readonly #key: PrivateKey;
  readonly #openings: OpeningChannel;
  readonly #answered = new Answered();
  /** By the index of each of their keys. */
  readonly #links = new Map<number, UdpLink>();
  #moment = 0n;

  /** Fails with OperatorError. */
  static async open(host: string, port: number, deps: UdpDeps): Promise<UdpLinks> {
    const key = privateKeyOf();
    const { identity, incarnation, clock } = deps;
    const self = { name: identity.instance, publicKey: key.publicKey, incarnation };
    if (identity.role === "mesh-node") selfTest(CONTEXT, { self, key, identity, clock });
    const { address, family } = await lookup(host);
    const socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      recvBufferSize: SOCKET_BUFFER_BYTES,
      sendBufferSize: SOCKET_BUFFER_BYTES,
      // Addresses are numbers already: what is sent is on its way when `send` returns.
      lookup: (numbers, _options, found) => found(null, numbers, family),
    });
    const listening = once(socket, "listening");
    socket.bind(port, address);
    await listening;
    return new UdpLinks(socket, key, self, deps);
  }

  private constructor(socket: Socket, key: PrivateKey, self: Introduced, deps: UdpDeps) {
    [this.#socket, this.#deps] = [socket, deps];
    [this.#key, this.#self] = [key, self];
    this.#openings = new OpeningChannel((part, to) => {
      this.#transmit(part, to);
      deps.sent?.(part.length, "opening");
    });
    socket.on("message", (datagram, from) => this.#take(datagram, from));
    // A neighbour that is not there (ICMP): its silence says the same.
    socket.on("error", () => deps.dropped("socket_error"));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of new Set(this.#links.values())) link.close("the node stops");
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  readonly dial: DialOnce = async ({ name, host, port }, { signal, until, renew, ended }) => {
    const { address } = await lookup(host, this.#socket.address().family === "IPv6" ? 6 : 4);
    const to = { address, port };
    const stop = AbortSignal.any([signal, until]);
    const over = new AbortController();
    const peer = await this.#meet(name, to, stop);
    const link = this.#link(peer, to, {
      ended: () => {
        signal.removeEventListener("abort", close);
        over.abort();
        ended();
      },
      renew,
      rekey: async () => {
        const keys = await this.#shake(peer, to, signal, ++epoch, theirIndex);
        this.#use(link, keys, epoch, true);
        theirIndex = keys.theirIndex;
      },
    });
    const close = () => link.close("the node stops");
    const keys = await this.#shake(peer, to, stop, 0, 0);
    let [epoch, { theirIndex }] = [0, keys] as [number, SessionKeys];
    this.#use(link, keys, epoch, true);
    signal.addEventListener("abort", close, { once: true });
    link.up();
    void every(this.#deps.clock, STOCK_MS, over.signal, () => this.#stock(link));
  };

  async #stock(link: UdpLink): Promise<void> {
    const stock = await this.#deps.keys.stock(link.neighbour);
    if (stock) link.stocked(stock);
  }

  #link(
    peer: Introduced,
    to: Address,
    own: { ended: () => void; renew?: () => Promise<void>; rekey?: () => Promise<void> },
  ): UdpLink {
    const { keyTimes = KEY_TIMES, mode } = this.#deps;
    const link: UdpLink = new UdpLink(peer, {
      ...this.#deps,
      keyTimes,
      needsQuantumKeys: mode !== "hybrid",
      ...own,
      transmit: (record, carries) => {
        this.#transmit(record, to);
        this.#deps.sent?.(record.length, carries);
      },
      ended: () => {
        for (const [index, known] of this.#links) if (known === link) this.#links.delete(index);
        own.ended();
      },
    });
    return link;
  }

  #use(link: UdpLink, keys: SessionKeys, epoch: number, isConfirmed: boolean): void {
    if (link.isClosed) return;
    this.#links.set(keys.ownIndex, link);
    const indices = [...this.#links].filter(([, known]) => known === link).map(([index]) => index);
    // This one and the one before it, for what is under way.
    for (const index of indices.slice(0, -2)) this.#links.delete(index);
    link.use(keys, epoch, isConfirmed);
  }

  #take(datagram: Buffer, from: Address): void {
    if (datagram[0] === TYPE_OPENING) return this.#takePart(datagram, from);
    const index = indexOf(datagram);
    const link = index === undefined ? undefined : this.#links.get(index);
    if (link) link.take(datagram);
    else this.#deps.dropped(index === undefined ? "malformed" : "unknown_key");
  }

  #takePart(datagram: Buffer, from: Address): void {
    const opening = this.#openings.take(datagram, from, this.#deps.clock.monotonicMs());
    if (opening === "malformed") return this.#deps.dropped("malformed");
    if (!opening) return;
    if (!this.#answered.mayLook(from.address, this.#deps.clock.monotonicMs()))
      return this.#deps.dropped("too_often");
    if (opening.case === "introduction") return this.#introduced(opening.value, from);
    if (opening.case === "first") void this.#first(opening.value, from);
  }

  /** Who is at this address. Rejects when it is somebody else, or nobody. */
  async #meet(name: string, to: Address, signal: AbortSignal): Promise<Introduced> {
    const answer = await this.#openings.ask(
      keyOf(to),
      to,
      this.#introduction("introduction"),
      signal,
    );
    const peer = this.#verified(answer.value as Introduction);
    if (peer.name !== name)
      throw new Error(
        `certificate: got that of mesh-node ${peer.name}, expected mesh-node ${name}`,
      );
    return peer;
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
    this.#openings.say(this.#introduction("introductionAnswer"), from);
  }

  /** The dialling end of a handshake. @param rekeyedIndex 0: for a new link. */
  async #shake(
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
    const answer = await this.#openings.ask(
      `${ownIndex}`,
      to,
      { case: "first", value: first },
      signal,
    );
    const second = answer.value as HandshakeSecond;
    const agreed = finish(second.message);
    return sessionKeys(agreed, "initiator", ownIndex, second.senderIndex);
  }

  /** The other end of it. What is wrong is counted and not answered. */
  async #first(first: HandshakeFirst, from: Address): Promise<void> {
    const peer = this.#answered.whoIs(keyOf(from));
    if (!peer) return this.#deps.dropped("not_introduced");
    try {
      const taken = take(this.#own, peer, Buffer.from(first.message));
      const again = this.#answered.begin(peer, taken.moment);
      if (again === "old") return this.#deps.dropped("old_handshake");
      if (again !== "new") return again && this.#openings.say(again, from);
      const second = await this.#answer(first, taken, peer, from);
      if (!second) return;
      this.#answered.end(peer, taken.moment, second);
      this.#openings.say(second, from);
    } catch (error) {
      if (error instanceof HandshakeError) return this.#deps.dropped("malformed_handshake");
      if (error instanceof NoQuantumKey) return this.#deps.dropped("no_quantum_key");
      throw error;
    }
  }

  async #answer(
    { senderIndex, epoch, mode, rekeyedIndex }: HandshakeFirst,
    { quantumKeyId, answer }: ReturnType<typeof take>,
    peer: Introduced,
    from: Address,
  ): Promise<OpeningInit | undefined> {
    const { keys, mode: ownMode, allowSimulatedKeys } = this.#deps;
    const known = rekeyedIndex === 0 ? undefined : this.#links.get(rekeyedIndex);
    const isStrange = rekeyedIndex !== 0 && known?.peer.incarnation !== peer.incarnation;
    if (mode !== ownMode || isStrange || this.#links.size >= LINKS_MAX) {
      this.#deps.dropped(mode !== ownMode ? "other_mode" : "unknown_link");
      return undefined;
    }
    const quantumKey =
      quantumKeyId === undefined ? undefined : await keys.known(peer.name, quantumKeyId);
    if (quantumKeyId !== undefined && !quantumKey)
      throw new NoQuantumKey(`key ${quantumKeyId}: cannot be had here`);
    const { message, keys: agreed } = answer(
      { epoch, mode: ownMode, allowSimulatedKeys },
      quantumKey,
    );
    const ownIndex = this.#newIndex();
    const link = known ?? this.#link(peer, from, { ended: () => {} });
    this.#use(link, sessionKeys(agreed, "responder", ownIndex, senderIndex), epoch, false);
    if (!known) void this.#closeUnlessUp(link);
    const second = { senderIndex: ownIndex, receiverIndex: senderIndex, message };
    return { case: "second", value: second };
  }

  async #closeUnlessUp(link: UdpLink): Promise<void> {
    await delay(UNUSED_MAX_MS, undefined, { ref: false });
    if (!link.isUp) link.close("it was not used");
  }

  #transmit(datagram: Buffer, { address, port }: Address): void {
    this.#socket.send(datagram, port, address, (error) => {
      if (error) this.#deps.dropped("not_sent");
    });
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
      if (!this.#links.has(index) && !this.#openings.isWaiting(`${index}`)) return index;
    }
  }
}

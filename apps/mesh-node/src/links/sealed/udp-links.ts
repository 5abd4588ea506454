/**
 * Links over UDP: introductions, handshakes, then sealed records (README.md, "Links over UDP"). One socket for all of them. The end that dials begins;
 * whoever answers keeps nothing of strangers but what is bounded.
 */
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import type { Endpoint } from "@glassline/config";
import type { HandshakeFirst } from "@glassline/proto/mesh";
import type { SessionKeys } from "@glassline/quantum/keys/epochs";
import type { Introduced } from "@glassline/quantum/keys/introduction";
import type { KeyTimes } from "@glassline/quantum/keys/records";
import { KEY_TIMES, indexOf } from "@glassline/quantum/keys/records";
import { every } from "@glassline/service/clock";

import type { DialOnce, Dialling } from "../keep-link.ts";
import type { LinkEvents } from "../link.ts";
import type { Address } from "./opening-channel.ts";
import { NoAnswer, OpeningChannel } from "./opening-channel.ts";
import { TYPE_OPENING } from "./opening-parts.ts";
import type { OpeningDeps } from "./openings.ts";
import { Openings } from "./openings.ts";
import { TcpPaths } from "./tcp-paths.ts";
import { UdpLink } from "./udp-link.ts";

export interface UdpDeps extends OpeningDeps {
  events: LinkEvents;
  keyTimes?: KeyTimes;
  datagramBytes?: number;
  /** Links over TCP are taken there; undefined: none are. */
  tcpPort?: number | undefined;
  /** Neighbours who take links over TCP, and where. */
  fallbacks?: readonly Endpoint[];
  /** Told of each datagram that is not taken. */
  dropped: (reason: string) => void;
  /** Told of each datagram that is sent. "opening": it is said before there are keys. */
  sent?: (bytes: number, carries: "data" | "control" | "opening") => void;
}

/** For a new link to be used. */
const UNUSED_MAX_MS = 5_000;
const LINKS_MAX = 1_024;
/** What comes while this process does something else; the kernel gives as much as net.core.rmem_max allows. */
const SOCKET_BUFFER_BYTES = 4 * 1_048_576;
/** Where UDP brought no answer it is tried again after this. */
const UDP_AGAIN_MS = 600_000;
/** Between looks at what keys there are. */
const STOCK_MS = 2_000;

export class UdpLinks implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #deps: UdpDeps;
  readonly #channel: OpeningChannel;
  readonly #openings: Openings;
  readonly #tcp: TcpPaths;
  /** Neighbours to whom UDP brought nothing, and when that was. */
  readonly #withoutUdp = new Map<string, number>();
  /** By the index of each of their keys. */
  readonly #links = new Map<number, UdpLink>();
  /** Undefined: no links over TCP are taken. */
  tcpPort: number | undefined;

  /** Fails with OperatorError. */
  static async open(host: string, port: number, deps: UdpDeps): Promise<UdpLinks> {
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
    try {
      const links = new UdpLinks(socket, deps);
      if (deps.tcpPort !== undefined) links.tcpPort = await links.#tcp.listen(host, deps.tcpPort);
      return links;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  private constructor(socket: Socket, deps: UdpDeps) {
    [this.#socket, this.#deps] = [socket, deps];
    this.#channel = new OpeningChannel((part, to) => {
      this.#transmit(part, to);
      deps.sent?.(part.length, "opening");
    });
    this.#openings = new Openings(deps, this.#channel, {
      isIndexTaken: (index) => this.#links.has(index),
      refusal: (peer, rekeyedIndex) => this.#refusal(peer, rekeyedIndex),
      begun: (peer, from, keys, first) => this.#begun(peer, from, keys, first),
    });
    this.#tcp = new TcpPaths((datagram, from) => this.#take(datagram, from), deps.dropped);
    socket.on("message", (datagram, from) => this.#take(datagram, from));
    // A neighbour that is not there (ICMP): its silence says the same.
    socket.on("error", () => deps.dropped("socket_error"));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of new Set(this.#links.values())) link.close("the node stops");
    await this.#tcp[Symbol.asyncDispose]();
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  readonly dial: DialOnce = async (neighbour, dialling) => {
    const stop = AbortSignal.any([dialling.signal, dialling.until]);
    const { peer, to } = await this.#find(neighbour, stop);
    try {
      await this.#dialled(peer, to, dialling, stop);
    } catch (error) {
      to.path?.close();
      throw error;
    }
  };

  /** Over TCP where UDP brings no answer. */
  async #find(
    { name, host, port }: Endpoint,
    signal: AbortSignal,
  ): Promise<{ peer: Introduced; to: Address }> {
    const { fallbacks, clock } = this.#deps;
    const fallback = fallbacks?.find((one) => one.name === name);
    const sinceMs = this.#withoutUdp.get(name) ?? -Infinity;
    if (fallback && clock.monotonicMs() - sinceMs < UDP_AGAIN_MS)
      return this.#overTcp(fallback, signal);
    const { address } = await lookup(host, this.#socket.address().family === "IPv6" ? 6 : 4);
    const to = { address, port };
    try {
      return { to, peer: await this.#openings.meet(name, to, signal) };
    } catch (error) {
      if (!fallback || !(error instanceof NoAnswer) || signal.aborted) throw error;
    }
    const found = await this.#overTcp(fallback, signal);
    this.#withoutUdp.set(name, clock.monotonicMs());
    return found;
  }

  async #overTcp(
    { name, host, port }: Endpoint,
    signal: AbortSignal,
  ): Promise<{ peer: Introduced; to: Address }> {
    const to = await this.#tcp.connect(host, port, signal);
    try {
      return { to, peer: await this.#openings.meet(name, to, signal) };
    } catch (error) {
      to.path?.close();
      throw error;
    }
  }

  async #dialled(
    peer: Introduced,
    to: Address,
    { signal, renew, ended }: Dialling,
    stop: AbortSignal,
  ): Promise<void> {
    const link = this.#link(peer, to, {
      ended: () => {
        signal.removeEventListener("abort", close);
        ended();
      },
      renew,
      rekey: async () => {
        const keys = await this.#openings.shake(peer, to, signal, ++epoch, theirIndex);
        this.#use(link, keys, epoch, true);
        theirIndex = keys.theirIndex;
      },
    });
    const close = () => link.close("the node stops");
    const keys = await this.#openings.shake(peer, to, stop, 0, 0);
    let [epoch, { theirIndex }] = [0, keys] as [number, SessionKeys];
    this.#use(link, keys, epoch, true);
    signal.addEventListener("abort", close, { once: true });
    link.up();
  }

  async #watchStock(link: UdpLink, signal: AbortSignal): Promise<void> {
    const look = async () => {
      const stock = await this.#deps.keys.stock(link.neighbour);
      if (stock) await link.stocked(stock);
    };
    await look();
    await every(this.#deps.clock, STOCK_MS, signal, look);
  }

  #link(
    peer: Introduced,
    to: Address,
    own: { ended: () => void; renew?: () => Promise<void>; rekey?: () => Promise<void> },
  ): UdpLink {
    const { keyTimes = KEY_TIMES } = this.#deps;
    const over = new AbortController();
    const link: UdpLink = new UdpLink(peer, {
      ...this.#deps,
      keyTimes,
      transport: to.path ? "tcp" : "udp",
      ...own,
      transmit: (record, carries) => {
        this.#transmit(record, to);
        this.#deps.sent?.(record.length, carries);
      },
      up: () => void this.#watchStock(link, over.signal),
      ended: () => {
        over.abort();
        for (const [index, known] of this.#links) if (known === link) this.#links.delete(index);
        to.path?.close();
        own.ended();
      },
    });
    to.path?.keep();
    to.path?.onEnd(() => link.close("the TCP connection has ended"));
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
    const opening = this.#channel.take(datagram, from, this.#deps.clock.monotonicMs());
    if (opening === "malformed") return this.#deps.dropped("malformed");
    if (opening) this.#openings.take(opening, from);
  }

  #refusal(peer: Introduced, rekeyedIndex: number): string | undefined {
    if (this.#links.size >= LINKS_MAX) return "too_many_links";
    const known = this.#links.get(rekeyedIndex);
    const isStrange = rekeyedIndex !== 0 && known?.peer.incarnation !== peer.incarnation;
    return isStrange ? "unknown_link" : undefined;
  }

  #begun(
    peer: Introduced,
    from: Address,
    keys: SessionKeys,
    { epoch, rekeyedIndex }: HandshakeFirst,
  ): void {
    const known = this.#links.get(rekeyedIndex);
    const link = known ?? this.#link(peer, from, { ended: () => {} });
    this.#use(link, keys, epoch, false);
    if (!known) void this.#closeUnlessUp(link);
  }

  async #closeUnlessUp(link: UdpLink): Promise<void> {
    await delay(UNUSED_MAX_MS, undefined, { ref: false });
    if (!link.isUp) link.close("it was not used");
  }

  #transmit(datagram: Buffer, { address, port, path }: Address): void {
    if (path) return path.send(datagram);
    this.#socket.send(datagram, port, address, (error) => {
      if (error) this.#deps.dropped("not_sent");
    });
  }
}

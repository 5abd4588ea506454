/** A link over UDP: a sealed session with an address, a timer, and the router behind it. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Frame } from "@glassline/proto/mesh";
import { FrameSchema } from "@glassline/proto/mesh";
import type { SessionKeys } from "@glassline/quantum/keys/epochs";
import type { KeyStock } from "@glassline/quantum/key-delivery/key-stock";
import { keysLastS } from "@glassline/quantum/key-delivery/key-stock";
import type { Mode } from "@glassline/quantum/keys/epoch";
import type { KeyTimes } from "@glassline/quantum/keys/records";
import type { Clock } from "@glassline/service/clock";

import { flowOf } from "../../core/transit.ts";
import { Ticks } from "../../ticks.ts";
import type { FrameInit, Link, LinkEvents } from "../link.ts";
import { ContentsError } from "./contents.ts";
import type { Introduced } from "@glassline/quantum/keys/introduction";
import type { KeySupply } from "./key-supply.ts";
import { LinkPads } from "./link-pads.ts";
import { BULK, CONTROL } from "./outbox.ts";
import type { SealedRecord } from "./session.ts";
import { SealedSession } from "./session.ts";

export interface UdpLinkDeps {
  clock: Clock;
  events: LinkEvents;
  transmit: (record: Buffer, carries: SealedRecord["carries"]) => void;
  /** Told once each. */
  up: () => void;
  ended: () => void;
  dropped: (reason: string) => void;
  transport: "udp" | "tcp";
  keyTimes: KeyTimes;
  /** Of a datagram, at most; any network takes it when it is left out. */
  datagramBytes?: number;
  mode: Mode;
  keys: KeySupply;
  renew?: () => Promise<void>;
  /** At the dialling end: new keys for this link. */
  rekey?: () => Promise<void>;
}

/** All else but data is sent once: what is said of the link, with the next record. */
const RELIABLE: ReadonlySet<string> = new Set([
  "routeUpdate",
  "seqnoRequest",
  "padOffer",
  "padAnswer",
]);
/** A round trip of an opening of the link of a neighbour that went wrong is tried again after this. */
const REKEY_RETRY_MS = 5_000;
/** Messages for which there is no pad go another way after this. */
const PAD_WAIT_MS = 3_000;

export class UdpLink implements Link {
  readonly peer: Introduced;
  readonly keyExchange = "X-Wing";
  readonly transport: "udp" | "tcp";
  readonly renew?: () => Promise<void>;
  readonly #deps: UdpLinkDeps;
  readonly #session: SealedSession;
  readonly #pads: LinkPads | undefined;
  readonly #ticks: Ticks;
  readonly #lacking: Ticks;
  readonly #rekeying: Ticks;
  #isUp = false;
  #isClosed = false;
  #isFlushing = false;
  #keyEpoch = 0;
  #keysSinceMs = 0;
  #qber: number | undefined;

  constructor(peer: Introduced, deps: UdpLinkDeps) {
    this.peer = peer;
    this.#deps = deps;
    this.transport = deps.transport;
    const { mode, keys, keyTimes, datagramBytes } = deps;
    if (mode === "otp")
      this.#pads = new LinkPads({
        neighbour: peer.name,
        keys,
        tell: (frame) => this.send({ frame }),
        filled: () => this.#flushSoon(),
      });
    this.#session = new SealedSession(keyTimes.rejectAfterMs, datagramBytes, this.#pads);
    if (deps.renew) this.renew = deps.renew;
    this.#ticks = new Ticks(deps.clock, () => this.#flush());
    this.#rekeying = new Ticks(deps.clock, () => void this.#rekey());
    this.#lacking = new Ticks(deps.clock, () => this.#giveBack());
  }

  get neighbour(): string {
    return this.peer.name;
  }

  get incarnation(): bigint {
    return this.peer.incarnation;
  }

  get keySource(): string {
    const { source } = this.#session;
    return source === "none" ? "x-wing" : source;
  }

  get keyEpoch(): number {
    return this.#keyEpoch;
  }

  get keyAgeMs(): number {
    return this.#nowMs() - this.#keysSinceMs;
  }

  get qber(): number | undefined {
    return this.#qber;
  }

  get padBytes(): number | undefined {
    return this.#pads?.sending.left;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @param epoch counts the keys of this link. @param isConfirmed the other end has these keys: this end seals with them at once. */
  use(keys: SessionKeys, epoch: number, isConfirmed: boolean): void {
    const nowMs = this.#nowMs();
    [this.#keyEpoch, this.#keysSinceMs] = [epoch, nowMs];
    this.#session.begin(keys, nowMs);
    if (!isConfirmed) return;
    this.#session.turnTo(keys, nowMs);
    // Empty: shows the other end that the keys are in use.
    this.#session.put(CONTROL, "", new Uint8Array());
    this.#flushSoon();
    if (this.#deps.rekey) this.#rekeying.at(nowMs + this.#deps.keyTimes.rekeyAfterMs);
  }

  /** There are so many keys for it. The end that dials uses them, and says what they mean for the price. */
  async stocked(stock: KeyStock): Promise<void> {
    if (!this.#isUp || this.#isClosed) return;
    this.#qber = stock.qber;
    if (!this.#deps.rekey) return;
    const padsLastS = this.#pads?.lastS(stock, this.#nowMs()) ?? Infinity;
    this.#deps.events.keys?.(this, { keysLastS: this.#keysLastS(stock), padsLastS });
    // When it was made, there was no QKD key.
    const isLate = this.#session.source === "none" && this.keyAgeMs >= REKEY_RETRY_MS;
    if (isLate && stock.keys >= 1) this.#rekeying.at(this.#nowMs());
    await this.#pads?.refill(stock);
  }

  #keysLastS(stock: KeyStock): number {
    const { keyTimes, mode } = this.#deps;
    const { rekeyAfterMs: everyMs, rejectAfterMs } = keyTimes;
    const restMs = Math.max(0, rejectAfterMs - this.keyAgeMs);
    // Where keys are not needed their end does not matter; that somebody listens does.
    const counted = mode === "hybrid" ? { ...stock, keys: Infinity } : stock;
    return keysLastS(counted, { everyMs, restMs });
  }

  up(): void {
    this.#isUp = true;
    this.#deps.events.up(this);
    this.#deps.up();
  }

  send(init: FrameInit): boolean {
    if (this.#isClosed) return false;
    const frame = create(FrameSchema, init);
    const isTaken = this.#put(frame.frame, toBinary(FrameSchema, frame));
    this.#flushSoon();
    return isTaken;
  }

  forward(flow: string, frame: Buffer): boolean {
    if (this.#isClosed) return false;
    const isTaken = this.#session.put(BULK, flow, frame);
    this.#flushSoon();
    return isTaken;
  }

  #put(frame: FrameInit["frame"], bytes: Uint8Array): boolean {
    if (frame?.case === "data")
      return this.#session.put(BULK, flowOf(frame.value.circuit ?? 0n), bytes);
    return frame?.case !== undefined && RELIABLE.has(frame.case)
      ? this.#session.put(CONTROL, "", bytes)
      : this.#session.putFleeting(bytes);
  }

  /** A record for one of its keys. */
  take(record: Buffer): void {
    try {
      const heard = this.#session.open(record, this.#nowMs());
      if (typeof heard === "string") return this.#deps.dropped(heard);
      if (!this.#isUp) this.up();
      this.#deps.events.alive?.(this);
      for (const message of heard.messages) this.#arrived(message);
      if (heard.isClosed) return this.#down("the neighbour has closed the link");
      this.#flushSoon();
    } catch (error) {
      if (!(error instanceof ContentsError)) throw error;
      this.close(error.message);
    }
  }

  #arrived(message: Uint8Array): void {
    const { events } = this.#deps;
    if (message.length === 0 || events.transit?.(this, bufferOf(message))) return;
    const whole = frameOf(message);
    const { frame } = whole;
    if (frame.case === "padOffer") this.#padsFor(frame.case).offered(frame.value);
    else if (frame.case === "padAnswer") this.#padsFor(frame.case).answered(frame.value);
    else events.frame(this, whole);
  }

  #padsFor(what: string): LinkPads {
    if (this.#pads) return this.#pads;
    throw new ContentsError(`${what}: got one, expected none in mode ${this.#deps.mode}`);
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    try {
      this.#deps.transmit(this.#session.bye(this.#nowMs()), "control");
    } catch {
      // There are no keys, or none that are valid: the other end notices by the silence.
    }
    this.#down(reason);
  }

  #down(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ticks[Symbol.dispose]();
    this.#rekeying[Symbol.dispose]();
    this.#lacking[Symbol.dispose]();
    this.#pads?.wipe();
    if (this.#isUp) this.#deps.events.down(this, reason);
    this.#deps.ended();
    this.#undelivered(this.#session.unarrived(BULK));
  }

  #undelivered(messages: readonly Uint8Array[]): void {
    for (const message of messages) this.#deps.events.undelivered?.(this, frameOf(message));
  }

  #giveBack(): void {
    if (this.#session.lacksPad(BULK)) this.#undelivered(this.#session.takeBack(BULK));
  }

  /** What is sent in one turn goes together. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isClosed) return;
    try {
      const records = this.#session.records(this.#nowMs());
      for (const { bytes, carries } of records) this.#deps.transmit(bytes, carries);
      if (this.#isUp && records.length > 0) this.#deps.events.spoke?.(this);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#down("the time of its keys is over");
    }
    const { dueMs } = this.#session;
    if (dueMs !== Infinity) this.#ticks.at(dueMs);
    if (this.#pads && this.#session.lacksPad(BULK)) this.#lacking.at(this.#nowMs() + PAD_WAIT_MS);
  }

  async #rekey(): Promise<void> {
    await this.#deps.rekey?.().catch(() => {
      // The old keys are good for another minute.
      if (!this.#isClosed) this.#rekeying.at(this.#nowMs() + REKEY_RETRY_MS);
    });
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** Throws ContentsError. */
function frameOf(message: Uint8Array): Frame {
  try {
    return fromBinary(FrameSchema, message);
  } catch (error) {
    throw new ContentsError(`message: got ${message.length} bytes that are no frame`, {
      cause: error,
    });
  }
}

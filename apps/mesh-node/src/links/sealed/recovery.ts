/**
 * Which packets have arrived, which are lost, and how many may be under way: loss detection and NewReno congestion control of QUIC (RFC 9002), over
 * the counters of sealed records. Pure; its own state only. What was in a packet is the caller's: it is told which ones it has to send again.
 */

export interface Ack {
  /** The highest packet number that has arrived. */
  readonly largest: number;
  /** How long the other end held this back. */
  readonly delayMs: number;
  /** First and last of each run that has arrived, the highest first. */
  readonly ranges: readonly (readonly [number, number])[];
}

export interface Outcome<Content> {
  acked: Content[];
  lost: Content[];
}

interface Sent<Content> {
  number: number;
  bytes: number;
  sentMs: number;
  content: Content;
}

/** Section 6.1: packets may overtake each other by so many, or by so much of a round trip. */
const PACKET_THRESHOLD = 3;
const TIME_THRESHOLD = 9 / 8;
const GRANULARITY_MS = 1;
/** The other end answers within this time, and says how much of it it has taken: it is known, and believed. Less than a link in use may be silent. */
export const ACK_DELAY_MAX_MS = 140;
/** Section 7.2. */
const LEAST_PACKETS = 2;
const INITIAL_PACKETS = 10;
const LOSS_REDUCTION = 0.5;
const PERSISTENT_CONGESTION = 3;
const BACKOFF_MAX = 10;

export class Recovery<Content> {
  readonly #packetBytes: number;
  readonly #sent = new Map<number, Sent<Content>>();
  #largestAcked = -1;
  #smoothedMs: number;
  #variationMs: number;
  #latestMs: number | undefined;
  #lossDueMs = Infinity;
  #lastSentMs = -Infinity;
  #probes = 0;
  #isProbeOwed = false;
  #flight = 0;
  #window: number;
  #threshold = Infinity;
  #recoveringSinceMs = -Infinity;

  /** @param packetBytes of the largest packet. @param rttMs before any was measured. */
  constructor(packetBytes: number, rttMs: number) {
    this.#packetBytes = packetBytes;
    this.#window = INITIAL_PACKETS * packetBytes;
    this.#smoothedMs = rttMs;
    this.#variationMs = rttMs / 2;
  }

  get rttMs(): number {
    return this.#smoothedMs;
  }

  /** Bytes that may be sent now; a probe whatever is under way (section 7.5). */
  get room(): number {
    return Math.max(this.#isProbeOwed ? this.#packetBytes : 0, this.#window - this.#flight);
  }

  get window(): number {
    return this.#window;
  }

  /** Of packets that ask for an acknowledgement. */
  sent(number: number, bytes: number, content: Content, nowMs: number): void {
    this.#sent.set(number, { number, bytes, sentMs: nowMs, content });
    this.#flight += bytes;
    this.#lastSentMs = nowMs;
    this.#isProbeOwed = false;
  }

  /** Section 6.2.1; Infinity: nothing is under way. */
  get dueMs(): number {
    if (this.#lossDueMs !== Infinity) return this.#lossDueMs;
    if (this.#sent.size === 0) return Infinity;
    const variationMs = Math.max(4 * this.#variationMs, GRANULARITY_MS);
    const timeoutMs = this.#smoothedMs + variationMs + ACK_DELAY_MAX_MS;
    return this.#lastSentMs + timeoutMs * 2 ** Math.min(this.#probes, BACKOFF_MAX);
  }

  acknowledged(ack: Ack, nowMs: number): Outcome<Content> {
    // Section 7.8: a window that is not used shows nothing.
    const wasUsed = this.#flight + this.#packetBytes > this.#window / 2;
    const acked = this.#take(ack);
    if (acked.length === 0) return { acked: [], lost: [] };
    const isNewest = ack.largest > this.#largestAcked;
    this.#largestAcked = Math.max(this.#largestAcked, ack.largest);
    const newest = acked.find(({ number }) => number === ack.largest);
    if (isNewest && newest) this.#measure(nowMs - newest.sentMs, ack.delayMs);
    if (wasUsed) for (const packet of acked) this.#grow(packet);
    this.#probes = 0;
    return { acked: acked.map(({ content }) => content), lost: this.#detectLost(nowMs) };
  }

  /** When `dueMs` has come. `lost`: what has to be sent again; after a probe timeout that is the oldest packet, which may yet arrive. */
  timeout(nowMs: number): Outcome<Content> {
    if (this.#lossDueMs !== Infinity) return { acked: [], lost: this.#detectLost(nowMs) };
    this.#probes++;
    this.#lastSentMs = nowMs;
    this.#isProbeOwed = true;
    // Section 7.6: nothing came for so long that all is lost, and what was known of the path is void.
    const isVoid = this.#probes > PERSISTENT_CONGESTION;
    if (isVoid) this.#window = LEAST_PACKETS * this.#packetBytes;
    const lost = [...this.#sent].slice(0, isVoid ? this.#sent.size : 1);
    for (const [number, { bytes }] of lost) {
      this.#sent.delete(number);
      this.#flight -= bytes;
    }
    return { acked: [], lost: lost.map(([, { content }]) => content) };
  }

  #take({ largest, ranges }: Ack): Sent<Content>[] {
    const taken: Sent<Content>[] = [];
    for (const [number, packet] of this.#sent) {
      if (number > largest) break;
      if (!ranges.some(([first, last]) => number >= first && number <= last)) continue;
      this.#sent.delete(number);
      this.#flight -= packet.bytes;
      taken.push(packet);
    }
    return taken;
  }

  /** Section 5.3. */
  #measure(latestMs: number, delayMs: number): void {
    const pathMs = Math.max(0, latestMs - delayMs);
    const isFirst = this.#latestMs === undefined;
    this.#latestMs = pathMs;
    if (isFirst) {
      this.#smoothedMs = pathMs;
      this.#variationMs = pathMs / 2;
      return;
    }
    this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - pathMs);
    this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * pathMs;
  }

  /** Section 7.3. */
  #grow({ bytes, sentMs }: Sent<Content>): void {
    if (sentMs <= this.#recoveringSinceMs) return;
    if (this.#window < this.#threshold) this.#window += bytes;
    else this.#window += (this.#packetBytes * bytes) / this.#window;
  }

  /** Section 6.1. */
  #detectLost(nowMs: number): Content[] {
    const delayMs = Math.max(
      TIME_THRESHOLD * Math.max(this.#latestMs ?? 0, this.#smoothedMs),
      GRANULARITY_MS,
    );
    this.#lossDueMs = Infinity;
    const lost: Content[] = [];
    let newestLostMs = -Infinity;
    for (const [number, { bytes, sentMs, content }] of this.#sent) {
      // They are in the order of their numbers.
      if (number > this.#largestAcked) break;
      if (this.#largestAcked < number + PACKET_THRESHOLD && sentMs > nowMs - delayMs) {
        this.#lossDueMs = Math.min(this.#lossDueMs, sentMs + delayMs);
        continue;
      }
      this.#sent.delete(number);
      this.#flight -= bytes;
      newestLostMs = Math.max(newestLostMs, sentMs);
      lost.push(content);
    }
    if (lost.length > 0) this.#shrink(newestLostMs, nowMs);
    return lost;
  }

  /** Section 7.3.2: once a round trip. */
  #shrink(lostSentMs: number, nowMs: number): void {
    if (lostSentMs <= this.#recoveringSinceMs) return;
    this.#recoveringSinceMs = nowMs;
    const least = LEAST_PACKETS * this.#packetBytes;
    this.#threshold = Math.max(this.#window * LOSS_REDUCTION, least);
    this.#window = this.#threshold;
  }
}

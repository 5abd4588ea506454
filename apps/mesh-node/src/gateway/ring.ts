/**
 * The gateway's bounded ring on disk. A bundle's sequence number is its record's index. It is forgotten only when a collector
 * has it durably; when the ring is full it refuses.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodeBundle } from "@glassline/otqmn/codec";
import { INCARNATION_BYTES } from "@glassline/otqmn/hello";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import type { RingRecord } from "@glassline/proto/storage";
import { RingRecordSchema } from "@glassline/proto/storage";
import type { LogRecord } from "@glassline/segment-log";
import { SegmentLog } from "@glassline/segment-log";

import type { AgentMark } from "../core/bundle-cutter.ts";

const SEGMENT_MAX_BYTES = 4_194_304;
const RECORD_MAX_BYTES = 8_388_608;
/** Records at hand for the next transmission, so that the live path does not read the disk. */
const RECENT_RECORDS = 64;
/** Refuses this much before the bound, so that a bundle that is being cut still fits. */
const RESERVE_BYTES = 1_048_576;
/** Memory of agents that came and went. */
const AGENTS_MAX = 100_000;

export interface RingOptions {
  directory: string;
  maxBytes: number;
}

export interface BundleRecord {
  payload: Uint8Array;
  traceContexts: readonly Uint8Array[];
  hopContexts: readonly Uint8Array[];
  points: number;
}

export class Ring implements AsyncDisposable {
  readonly findings: readonly string[];
  readonly #options: RingOptions;
  #log: SegmentLog;
  #incarnation: Uint8Array;
  #agents = new Map<string, AgentMark>();
  #durableSeq = 0;
  #recent = new Map<number, BundleRecord>();
  #cursor: AsyncGenerator<LogRecord> | undefined;
  #cursorSeq = 0;

  private constructor(options: RingOptions, log: SegmentLog, incarnation: Uint8Array) {
    this.#options = options;
    this.#log = log;
    this.#incarnation = incarnation;
    this.findings = log.findings;
  }

  static async open(options: RingOptions): Promise<Ring> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    let ring: Ring | undefined;
    const log = await openLog(options, () => ring!.#checkpoint());
    ring = new Ring(options, log, await incarnationOf(options.directory, log));
    await ring.#recover();
    return ring;
  }

  /** 16 bytes; new when the ring was lost. */
  get incarnation(): Uint8Array {
    return this.#incarnation;
  }

  /** Last bundle on the disk; 0 when there was none. */
  get headSeq(): number {
    return this.#log.nextIndex - 1;
  }

  get durableSeq(): number {
    return this.#durableSeq;
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  get isFull(): boolean {
    return this.#log.bytes + RESERVE_BYTES > this.#options.maxBytes;
  }

  /** How far the agent's reports are on the disk. */
  agentMark(agent: string): AgentMark | undefined {
    return this.#agents.get(agent);
  }

  /** @returns the bundle's sequence number, once it is synced. Rejects with LogRefusal. */
  async append(record: BundleRecord, agents: ReadonlyMap<string, AgentMark>): Promise<number> {
    const seq = await this.#log.append(encode(record, agents, this.#durableSeq));
    for (const [agent, mark] of agents) this.#mark(agent, mark);
    this.#recent.set(seq, record);
    if (this.#recent.size > RECENT_RECORDS) this.#recent.delete(this.#recent.keys().next().value!);
    return seq;
  }

  /** A bundle by its sequence number. One that rotted, or a checkpoint, is an empty bundle: the numbers stay without gaps. */
  async read(seq: number): Promise<BundleRecord> {
    const recent = this.#recent.get(seq);
    if (recent) return recent;
    if (!this.#cursor || this.#cursorSeq !== seq) this.#cursor = this.#log.read(seq);
    const { value, done } = await this.#cursor.next();
    this.#cursorSeq = seq + 1;
    if (done || value.index !== seq) {
      this.#cursor = undefined;
      return EMPTY_RECORD;
    }
    return value.payload ? recordOf(fromBinary(RingRecordSchema, value.payload)) : EMPTY_RECORD;
  }

  /** Bundles up to here are durable at a collector. */
  async forget(durableSeq: number): Promise<void> {
    this.#durableSeq = Math.max(this.#durableSeq, durableSeq);
    if (this.isFull) await this.#log.roll();
    await this.#log.dropBefore(this.#durableSeq + 1);
  }

  /** The collector has seen more than the ring holds: what is here gets new numbers in a new incarnation. */
  async renew(): Promise<void> {
    const kept: BundleRecord[] = [];
    for (let seq = this.#durableSeq + 1; seq <= this.headSeq; seq++)
      kept.push(await this.read(seq));
    await this.#log[Symbol.asyncDispose]();
    await rm(this.#options.directory, { recursive: true, force: true });
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    this.#log = await openLog(this.#options, () => this.#checkpoint());
    this.#incarnation = await incarnationOf(this.#options.directory, this.#log);
    [this.#durableSeq, this.#recent, this.#cursor] = [0, new Map(), undefined];
    for (const record of kept) await this.append(record, this.#agents);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#log[Symbol.asyncDispose]();
  }

  async #recover(): Promise<void> {
    for await (const { payload } of this.#log.read(1)) {
      if (!payload) continue;
      const record = fromBinary(RingRecordSchema, payload);
      this.#durableSeq = Math.max(this.#durableSeq, Number(record.durableSeq));
      for (const { agent, incarnation, seq } of record.agents) {
        this.#mark(agent, {
          incarnation: Buffer.from(incarnation).toString("hex"),
          seq: Number(seq),
        });
      }
    }
    this.#durableSeq = Math.max(this.#durableSeq, this.#log.firstIndex - 1);
  }

  #mark(agent: string, mark: AgentMark): void {
    const known = this.#agents.get(agent);
    if (known?.incarnation === mark.incarnation && known.seq >= mark.seq) return;
    this.#agents.delete(agent);
    this.#agents.set(agent, mark);
    if (this.#agents.size > AGENTS_MAX) this.#agents.delete(this.#agents.keys().next().value!);
  }

  #checkpoint(): Uint8Array {
    return encode({ ...EMPTY_RECORD }, this.#agents, this.#durableSeq);
  }
}

const EMPTY_RECORD: BundleRecord = {
  payload: encodeBundle(EMPTY_BUNDLE),
  traceContexts: [],
  hopContexts: [],
  points: 0,
};

function openLog(
  { directory, maxBytes }: RingOptions,
  checkpoint: () => Uint8Array,
): Promise<SegmentLog> {
  return SegmentLog.open({
    directory,
    maxBytes,
    checkpoint,
    segmentMaxBytes: Math.min(SEGMENT_MAX_BYTES, Math.floor(maxBytes / 4)),
    recordMaxBytes: RECORD_MAX_BYTES,
    whenFull: "refuse",
  });
}

/** The id stored beside the ring; a new one when it is missing or the ring begins anew. */
async function incarnationOf(directory: string, log: SegmentLog): Promise<Uint8Array> {
  const path = join(directory, "incarnation");
  const stored = await readFile(path).catch(() => undefined);
  if (stored?.length === INCARNATION_BYTES && log.nextIndex > 1) return new Uint8Array(stored);
  const fresh = randomBytes(INCARNATION_BYTES);
  await writeFile(`${path}.new`, fresh, { flush: true });
  await rename(`${path}.new`, path);
  return new Uint8Array(fresh);
}

function encode(
  record: BundleRecord,
  agents: ReadonlyMap<string, AgentMark>,
  durableSeq: number,
): Uint8Array {
  const message = create(RingRecordSchema, {
    payload: record.payload,
    traceContexts: [...record.traceContexts],
    hopContexts: [...record.hopContexts],
    points: record.points,
    durableSeq: BigInt(durableSeq),
    agents: [...agents].map(([agent, { incarnation, seq }]) => ({
      agent,
      incarnation: new Uint8Array(Buffer.from(incarnation, "hex")),
      seq: BigInt(seq),
    })),
  });
  return toBinary(RingRecordSchema, message);
}

function recordOf({ payload, traceContexts, hopContexts, points }: RingRecord): BundleRecord {
  return { payload, traceContexts, hopContexts, points };
}

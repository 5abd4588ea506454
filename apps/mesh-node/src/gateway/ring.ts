/**
 * The gateway's bounded ring on disk. A bundle's sequence number is its record's index. It is forgotten only when a collector
 * has it durably; when the ring is full it refuses.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { INCARNATION_BYTES } from "@glassline/otqmn/hello";
import type { Bundle } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { decodeBundle, encodeBundle } from "@glassline/otqmn/whole-bundle";
import { RingRecordSchema } from "@glassline/proto/storage";
import type { LogRecord } from "@glassline/segment-log";
import { SegmentLog } from "@glassline/segment-log";
import { syncDirectory } from "@glassline/segment-log/files";
import { systemCodeOf } from "@glassline/service/errors";

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
  bundle: Bundle;
  hopContexts: readonly Uint8Array[];
}

/** Where the next read from the disk goes on. */
interface Cursor {
  seq: number;
  records: AsyncGenerator<LogRecord>;
}

export class Ring implements AsyncDisposable {
  readonly findings: readonly string[];
  readonly #options: RingOptions;
  #log: SegmentLog;
  #incarnation: Uint8Array;
  /** The last bundle that was there when the ring was opened: a collector may have seen all up to it. */
  #headSeqAtOpen: number;
  #agents = new Map<string, AgentMark>();
  #durableSeq = 0;
  #recent = new Map<number, BundleRecord>();
  #cursor: Cursor | undefined;
  #renewal: Promise<void> | undefined;

  private constructor(options: RingOptions, log: SegmentLog, incarnation: Uint8Array) {
    this.#options = options;
    this.#log = log;
    this.#incarnation = incarnation;
    this.#headSeqAtOpen = log.nextIndex - 1;
    this.findings = log.findings;
  }

  static async open(options: RingOptions): Promise<Ring> {
    await finishRenewal(options.directory);
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
    await this.#renewal;
    const seq = await this.#log.append(encode(record, agents, this.#durableSeq));
    for (const [agent, mark] of agents) this.#mark(agent, mark);
    this.#recent.set(seq, record);
    if (this.#recent.size > RECENT_RECORDS) this.#recent.delete(this.#recent.keys().next().value!);
    return seq;
  }

  /** A bundle by its sequence number. One that rotted, or a checkpoint, is an empty bundle: the numbers stay without gaps. */
  async read(seq: number): Promise<BundleRecord> {
    return this.#recent.get(seq) ?? (await this.#readOn(seq)) ?? (await this.#readAnew(seq));
  }

  /** Bundles up to here are durable at a collector. */
  async forget(durableSeq: number): Promise<void> {
    this.#durableSeq = Math.max(this.#durableSeq, durableSeq);
    if (this.isFull) await this.#log.roll();
    await this.#log.dropBefore(this.#durableSeq + 1);
  }

  /**
   * The collector has seen more than this ring ever sent: the ring is an older copy. What was written since it was opened gets
   * new numbers in a new incarnation; what was there before, the collector has. New bundles wait meanwhile.
   */
  renew(): Promise<void> {
    this.#renewal ??= this.#renewNow().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#log[Symbol.asyncDispose]();
  }

  /** The next record of the cursor, when it stands there; undefined when it does not or has come to its end. */
  async #readOn(seq: number): Promise<BundleRecord | undefined> {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    if (cursor?.seq !== seq) return undefined;
    const { value, done } = await cursor.records.next();
    if (done) return undefined;
    this.#cursor = { seq: seq + 1, records: cursor.records };
    return recordOf(value);
  }

  async #readAnew(seq: number): Promise<BundleRecord> {
    this.#cursor = { seq, records: this.#log.read(seq) };
    const record = await this.#readOn(seq);
    if (!record)
      throw new Error(
        `bundle ${seq} is not on the ring, expected ${this.#log.firstIndex} to ${this.headSeq}`,
      );
    return record;
  }

  async #renewNow(): Promise<void> {
    await this.#log.roll(); // what is under way has arrived
    const next = `${this.#options.directory}.next`;
    await rm(next, { recursive: true, force: true });
    await mkdir(next, { recursive: true, mode: 0o700 });
    {
      await using log = await openLog({ ...this.#options, directory: next }, () =>
        this.#checkpoint(),
      );
      // The first record says how far the agents are, whatever follows.
      await log.append(encode(EMPTY_RECORD, this.#agents, 0));
      for (
        let seq = Math.max(this.#durableSeq, this.#headSeqAtOpen) + 1;
        seq <= this.headSeq;
        seq++
      ) {
        await log.append(encode(await this.read(seq), new Map(), 0));
      }
      this.#incarnation = await incarnationOf(next, log);
    }
    await this.#log[Symbol.asyncDispose]();
    await rm(this.#options.directory, { recursive: true, force: true });
    await finishRenewal(this.#options.directory);
    this.#log = await openLog(this.#options, () => this.#checkpoint());
    this.#headSeqAtOpen = this.headSeq;
    [this.#durableSeq, this.#recent, this.#cursor] = [0, new Map(), undefined];
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
    return encode(EMPTY_RECORD, this.#agents, this.#durableSeq);
  }
}

const EMPTY_RECORD: BundleRecord = { bundle: EMPTY_BUNDLE, hopContexts: [] };

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

/** A renewal that was cut off after the old ring was gone is finished; one before that never happened. */
async function finishRenewal(directory: string): Promise<void> {
  const next = `${directory}.next`;
  const isThere = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (await isThere(directory)) await rm(next, { recursive: true, force: true });
  else if (await isThere(join(next, INCARNATION_FILE))) {
    await rename(next, directory);
    await syncDirectory(dirname(directory));
  }
}

const INCARNATION_FILE = "incarnation";

/** The id stored beside the ring; a new one when it is missing or the ring begins anew. */
async function incarnationOf(directory: string, log: SegmentLog): Promise<Uint8Array> {
  const path = join(directory, INCARNATION_FILE);
  const stored = await readFile(path).catch((error: unknown) => {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (stored?.length === INCARNATION_BYTES && log.nextIndex > 1) return new Uint8Array(stored);
  const fresh = randomBytes(INCARNATION_BYTES);
  await writeFile(`${path}.new`, fresh, { flush: true });
  await rename(`${path}.new`, path);
  await syncDirectory(directory);
  return new Uint8Array(fresh);
}

function encode(
  { bundle, hopContexts }: BundleRecord,
  agents: ReadonlyMap<string, AgentMark>,
  durableSeq: number,
): Uint8Array {
  const message = create(RingRecordSchema, {
    payload: encodeBundle(bundle),
    hopContexts: [...hopContexts],
    points: bundle.value.length,
    durableSeq: BigInt(durableSeq),
    agents: [...agents].map(([agent, { incarnation, seq }]) => ({
      agent,
      incarnation: new Uint8Array(Buffer.from(incarnation, "hex")),
      seq: BigInt(seq),
    })),
  });
  return toBinary(RingRecordSchema, message);
}

function recordOf({ payload }: LogRecord): BundleRecord {
  if (!payload) return EMPTY_RECORD;
  const { payload: bundle, hopContexts } = fromBinary(RingRecordSchema, payload);
  return { bundle: bundle.length === 0 ? EMPTY_BUNDLE : decodeBundle(bundle), hopContexts };
}

/** A producer that sends a prepared run of batches again and again, as far as its credit goes, and times each acknowledgement. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { signHello } from "@glassline/otqmn/hello";
import type { StreamResponse } from "@glassline/proto/otqmn";
import { NackCode, StreamRequestSchema } from "@glassline/proto/otqmn";
import type { Identity, PeerName, Role } from "@glassline/service/identity";

import { OtqmnClient } from "./otqmn-client.ts";

export interface ProducerOptions {
  identity: Identity;
  port: number;
  /** Each builds on those before it. */
  run: readonly Uint8Array[];
  /** Batches that may be sent and not durable, as long as it is not paced; then credit is the only limit, as at work. */
  inFlightMax: number;
  /** Sends what is offered, and no more. */
  isPaced?: boolean;
  /** How many are sent; without end when it is left out. */
  batches?: number;
  /** One that was used before: it goes on behind what is durable, with a key batch. */
  incarnation?: Uint8Array;
}

export const producerNames = (count: number, role: Role = "mesh-node"): PeerName[] =>
  Array.from({ length: count }, (_, at) => ({ role, instance: `producer-${at}` }));

/** As the sessions of gateways and cameras have it: only where nothing else was sent for so long. */
const HEARTBEAT_MS = 1_000;
const HEARTBEAT_TICK_MS = 250;

export class BenchProducer implements Disposable {
  readonly #options: ProducerOptions;
  readonly #client;
  readonly #heartbeat;
  readonly #sentAtMs = new Map<number, number>();
  #creditBytes = 0;
  #nextSeq = 1;
  #keySeq = 1;
  #acknowledged = 0;
  #inRun = 0;
  #stopped = false;
  #latenciesMs: number[] = [];
  /** Batches that it may send. */
  #granted = Number.POSITIVE_INFINITY;
  #inFlightMax: number;
  #sentMs = 0;
  /** Of payloads. */
  bytes = 0;
  /** Messages of both sides, all kinds. */
  requests = 0;
  responses = 0;
  keyBatchRequests = 0;
  failure: string | undefined;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#inFlightMax = options.inFlightMax;
    if (options.isPaced) this.pace();
    const { identity, port } = options;
    this.#client = new OtqmnClient(
      identity,
      port,
      (response) => this.#receive(response),
      (reason) => (this.failure ??= this.#stopped ? undefined : reason),
    );
    const opening = {
      producer: identity.instance,
      incarnation: options.incarnation ?? crypto.getRandomValues(new Uint8Array(16)),
      firstUnackedSeq: 1n,
    };
    const value = signHello(opening, identity, BigInt(Date.now()) * 1_000_000n);
    this.#send({ case: "hello", value });
    this.#heartbeat = setInterval(() => {
      if (performance.now() - this.#sentMs >= HEARTBEAT_MS)
        this.#send({ case: "heartbeat", value: {} });
    }, HEARTBEAT_TICK_MS);
  }

  /** Batches that are durable. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** From send to durable, since they were last taken. */
  takeLatenciesMs(): number[] {
    const taken = this.#latenciesMs;
    this.#latenciesMs = [];
    return taken;
  }

  /** Batches that were offered and not dropped, and are not durable yet. */
  get waiting(): number {
    return this.#granted - this.#acknowledged;
  }

  /** From now on it sends what is offered. */
  pace(): void {
    this.#granted = this.#nextSeq - 1;
    this.#inFlightMax = Number.POSITIVE_INFINITY;
  }

  /** @returns how many of these batches were dropped, because more than `waitingMax` would wait. */
  offer(batches: number, waitingMax: number): number {
    const taken = Math.max(0, Math.min(batches, waitingMax - this.waiting));
    this.#granted += taken;
    this.#pump();
    return batches - taken;
  }

  stop(): void {
    this.#stopped = true;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
    this.#stopped = true;
    this.#client[Symbol.dispose]();
  }

  #send(message: NonNullable<MessageInitShape<typeof StreamRequestSchema>["message"]>): void {
    this.#client.send(create(StreamRequestSchema, { message }));
    this.#sentMs = performance.now();
    this.requests++;
  }

  #receive({ message }: StreamResponse): void {
    this.responses++;
    if (message.case === "welcome") {
      this.#creditBytes = Number(message.value.creditBytes);
      this.#acknowledged = Number(message.value.durableSeq);
      this.#nextSeq = this.#acknowledged + 1;
    }
    if (message.case === "ack") {
      this.#creditBytes += Number(message.value.creditBytes);
      this.#durable(Number(message.value.durableSeq));
    }
    if (message.case === "keyBatchRequest") {
      this.keyBatchRequests++;
      this.#inRun = 0;
    }
    if (message.case === "nack") {
      if (message.value.code !== NackCode.GAP) this.failure ??= message.value.reason;
      [this.#nextSeq, this.#inRun] = [Number(message.value.seq), 0];
    }
    this.#pump();
  }

  #durable(seq: number): void {
    const nowMs = performance.now();
    for (; this.#acknowledged < seq; this.#acknowledged++) {
      const sentAtMs = this.#sentAtMs.get(this.#acknowledged + 1);
      this.#sentAtMs.delete(this.#acknowledged + 1);
      if (sentAtMs !== undefined) this.#latenciesMs.push(nowMs - sentAtMs);
    }
  }

  #pump(): void {
    const { run, batches = Number.POSITIVE_INFINITY } = this.#options;
    while (
      !this.#stopped &&
      this.#nextSeq <= batches &&
      this.#creditBytes > 0 &&
      this.#nextSeq <= this.#granted &&
      this.#nextSeq - this.#acknowledged <= this.#inFlightMax
    ) {
      const payload = run[this.#inRun]!;
      if (this.#inRun === 0) this.#keySeq = this.#nextSeq;
      const [seq, keySeq] = [BigInt(this.#nextSeq), BigInt(this.#keySeq)];
      const value = { seq, keySeq, keyBatch: seq === keySeq, payload };
      this.#send({ case: "batch", value });
      this.#sentAtMs.set(this.#nextSeq, this.#sentMs);
      this.#creditBytes -= payload.length;
      this.bytes += payload.length;
      this.#nextSeq++;
      this.#inRun = (this.#inRun + 1) % run.length;
    }
  }
}

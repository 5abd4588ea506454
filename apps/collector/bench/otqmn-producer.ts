/** A producer that sends a prepared run of batches again and again, as far as its credit goes, and times each acknowledgement. */
import { create } from "@bufbuild/protobuf";
import { signHello } from "@glassline/otqmn/hello";
import type { StreamResponse } from "@glassline/proto/otqmn";
import { NackCode, OtqmnService, StreamRequestSchema } from "@glassline/proto/otqmn";
import { createClient } from "@glassline/proto/rpc";
import type { Identity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";

export interface ProducerOptions {
  identity: Identity;
  port: number;
  /** Each builds on those before it. */
  run: readonly Uint8Array[];
  /** Batches that may be sent and not durable. */
  inFlightMax: number;
  /** How many are sent; without end when it is left out. */
  batches?: number;
}

const HEARTBEAT_MS = 1_000;

export class BenchProducer implements Disposable {
  readonly #options: ProducerOptions;
  readonly #client;
  readonly #stream;
  readonly #heartbeat;
  readonly #sentAtMs = new Map<number, number>();
  #creditBytes = 0;
  #nextSeq = 1;
  #keySeq = 1;
  #acknowledged = 0;
  #inRun = 0;
  #stopped = false;
  #latenciesMs: number[] = [];
  bytes = 0;
  keyBatchRequests = 0;
  failure: string | undefined;

  constructor(options: ProducerOptions) {
    this.#options = options;
    const { identity, port } = options;
    this.#client = createClient(
      OtqmnService,
      `localhost:${port}`,
      mutualTlsClient(identity, "collector"),
      { ...TLS_CHANNEL_OPTIONS, "grpc.use_local_subchannel_pool": 1 },
    );
    this.#stream = this.#client.stream();
    this.#stream.on("data", (response: StreamResponse) => this.#receive(response));
    this.#stream.on("error", (error) => (this.failure ??= error.message));
    const opening = {
      producer: identity.instance,
      incarnation: crypto.getRandomValues(new Uint8Array(16)),
      firstUnackedSeq: 1n,
    };
    const value = signHello(opening, identity, BigInt(Date.now()) * 1_000_000n);
    this.#stream.write(create(StreamRequestSchema, { message: { case: "hello", value } }));
    this.#heartbeat = setInterval(
      () =>
        this.#stream.write(
          create(StreamRequestSchema, { message: { case: "heartbeat", value: {} } }),
        ),
      HEARTBEAT_MS,
    );
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

  stop(): void {
    this.#stopped = true;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
    this.#stream.cancel();
    this.#client[Symbol.dispose]();
  }

  #receive({ message }: StreamResponse): void {
    if (message.case === "welcome") this.#creditBytes = Number(message.value.creditBytes);
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
    const { run, inFlightMax, batches = Number.POSITIVE_INFINITY } = this.#options;
    while (
      !this.#stopped &&
      this.#nextSeq <= batches &&
      this.#creditBytes > 0 &&
      this.#nextSeq - this.#acknowledged <= inFlightMax
    ) {
      const payload = run[this.#inRun]!;
      if (this.#inRun === 0) this.#keySeq = this.#nextSeq;
      const [seq, keySeq] = [BigInt(this.#nextSeq), BigInt(this.#keySeq)];
      const value = { seq, keySeq, keyBatch: seq === keySeq, payload };
      this.#stream.write(create(StreamRequestSchema, { message: { case: "batch", value } }));
      this.#sentAtMs.set(this.#nextSeq, performance.now());
      this.#creditBytes -= payload.length;
      this.bytes += payload.length;
      this.#nextSeq++;
      this.#inRun = (this.#inRun + 1) % run.length;
    }
  }
}

/** A producer with the real session. Its ring is in memory and forgets what is durable: what a collector then loses is lost. */
import { setTimeout as delay } from "node:timers/promises";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { BundleWriter } from "@glassline/otqmn/bundle-writer";
import { signHello } from "@glassline/otqmn/hello";
import type { ProducerEffect, ProducerEvent } from "@glassline/otqmn/producer-session";
import { newProducerSession, stepProducer } from "@glassline/otqmn/producer-session";
import type { Bundle } from "@glassline/otqmn/sample";
import type { StreamResponse } from "@glassline/proto/otqmn";
import { NackCode, OtqmnService, StreamRequestSchema } from "@glassline/proto/otqmn";
import { createClient } from "@glassline/proto/rpc";
import type { Identity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";

import type { CountedPoints } from "./counted-points.ts";
import type { Sender } from "./sender.ts";

/** Bundles that may wait for the collector: then no more are made. */
const RING_MAX_BUNDLES = 32;
const RETRY_MS = 50;
const TICK_MS = 250;

export interface OtqmnProducerOptions {
  identity: Identity;
  port: number;
  points: CountedPoints;
  /** Points a bundle, half as many to half again as many. */
  bundlePoints: number;
  intervalMs: number;
  random: () => number;
}

interface Stream {
  send(message: Message): void;
  end(): void;
}

type Message = NonNullable<MessageInitShape<typeof StreamRequestSchema>["message"]>;

export class OtqmnProducer implements Sender {
  readonly points: CountedPoints;
  readonly #options: OtqmnProducerOptions;
  readonly #incarnation = crypto.getRandomValues(new Uint8Array(16));
  readonly #ring = new Map<number, { bundle: Bundle; lastPoint: number }>();
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #writer = new BundleWriter();
  #keySeq = 0;
  #session = newProducerSession(0, 0);
  #stream: Stream | undefined;
  acknowledged = 0;
  made = 0;
  /** Why the collector turned the producer away for good. */
  failure: string | undefined;

  constructor(options: OtqmnProducerOptions) {
    this.#options = options;
    this.points = options.points;
    this.#running = Promise.all([
      this.#every(options.intervalMs, () => this.#make()),
      this.#every(RETRY_MS, () => this.#connect()),
      this.#every(TICK_MS, () => this.#dispatch({ type: "tick" })),
    ]);
  }

  get isConnected(): boolean {
    return this.#stream !== undefined;
  }

  /** The producer's name, and the last bundle of which it knows that it is durable. */
  get mark(): { producer: string; durableSeq: number } {
    return {
      producer: this.#options.identity.instance,
      durableSeq: this.#session.durableSeq,
    };
  }

  mayRepeat(): boolean {
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#stream?.end();
    await this.#running;
  }

  async #every(intervalMs: number, work: () => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      work();
      await delay(intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  #make(): void {
    if (this.#ring.size >= RING_MAX_BUNDLES) return;
    const { points, bundlePoints, random } = this.#options;
    const size = Math.max(1, Math.round(bundlePoints * (0.5 + random())));
    const bundle = points.bundle(this.made + 1, this.made + size);
    this.made += size;
    const headSeq = this.#session.headSeq + 1;
    this.#ring.set(headSeq, { bundle, lastPoint: this.made });
    this.#dispatch({ type: "appended", headSeq });
  }

  /** A channel of its own for each try: one that waits between its tries would be late. */
  #connect(): void {
    if (this.#stream || this.#session.state === "refused") return;
    const { identity, port } = this.#options;
    const client = createClient(
      OtqmnService,
      `localhost:${port}`,
      mutualTlsClient(identity, "collector"),
      { ...TLS_CHANNEL_OPTIONS, "grpc.use_local_subchannel_pool": 1 },
    );
    const call = client.stream();
    const stream: Stream = {
      send: (message) => void call.write(create(StreamRequestSchema, { message })),
      end: () => {
        call.cancel();
        client[Symbol.dispose]();
      },
    };
    const ended = (reason: string) => {
      stream.end();
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#dispatch({ type: "closed", reason });
    };
    call.on("data", (response: StreamResponse) => {
      if (this.#stream === stream) this.#dispatch(eventOf(response));
    });
    call.on("error", (error) => ended(error.message));
    call.on("end", () => ended("the collector ended the stream"));
    this.#stream = stream;
    this.#dispatch({ type: "opened" });
  }

  #dispatch(event: ProducerEvent): void {
    const { session, effects } = stepProducer(this.#session, event, performance.now());
    this.#session = session;
    if (session.state === "refused") this.failure ??= session.reason;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: ProducerEffect): void {
    switch (effect.type) {
      case "send-hello":
        return this.#hello(effect.firstUnackedSeq);
      case "transmit":
        return queueMicrotask(() => this.#transmit(effect, this.#stream));
      case "send-heartbeat":
        return this.#stream?.send({ case: "heartbeat", value: {} });
      case "forget":
        return this.#forget(effect.durableSeq);
      case "renew":
        this.failure ??= `the collector has ${effect.durableSeq} bundles, more than were sent`;
        break;
      case "close": {
        const stream = this.#stream;
        this.#stream = undefined;
        stream?.end();
      }
    }
  }

  #hello(firstUnackedSeq: number): void {
    const { identity } = this.#options;
    const opening = {
      producer: identity.instance,
      incarnation: this.#incarnation,
      firstUnackedSeq: BigInt(firstUnackedSeq),
    };
    const value = signHello(opening, identity, BigInt(Date.now()) * 1_000_000n);
    this.#stream?.send({ case: "hello", value });
  }

  #transmit({ seq, anew }: { seq: number; anew: boolean }, stream: Stream | undefined): void {
    if (!stream || this.#stream !== stream) return;
    if (anew) this.#writer.beginAnew();
    const payload = this.#writer.encode(this.#ring.get(seq)!.bundle);
    if (this.#writer.wasKey) this.#keySeq = seq;
    const value = {
      seq: BigInt(seq),
      keySeq: BigInt(this.#keySeq),
      keyBatch: this.#writer.wasKey,
      payload,
    };
    stream.send({ case: "batch", value });
    this.#dispatch({ type: "transmitted", seq, sizeBytes: payload.length });
  }

  #forget(durableSeq: number): void {
    for (const [seq, { lastPoint }] of this.#ring) {
      if (seq > durableSeq) break;
      this.acknowledged = lastPoint;
      this.#ring.delete(seq);
    }
  }
}

function eventOf({ message }: StreamResponse): ProducerEvent {
  switch (message.case) {
    case "welcome":
    case "ack": {
      const { durableSeq, creditBytes } = message.value;
      return {
        type: message.case,
        durableSeq: Number(durableSeq),
        creditBytes: Number(creditBytes),
      };
    }
    case "nack": {
      const { seq, code, reason } = message.value;
      const isPermanent = code === NackCode.INVALID || code === NackCode.UNAUTHENTICATED;
      const kind = code === NackCode.GAP ? "gap" : isPermanent ? "permanent" : "transient";
      return { type: "nack", seq: Number(seq), code: kind, reason };
    }
    case "credit":
      return { type: "credit", creditBytes: Number(message.value.creditBytes) };
    case "drain":
      return { type: "drain" };
    case "keyBatchRequest":
      return { type: "key-batch-wanted" };
    default:
      return { type: "heard" };
  }
}

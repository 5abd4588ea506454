/** The gateway's session with a collector: carries out what the session (packages/otqmn) decides, over a carrier. */
import { setImmediate as turn } from "node:timers/promises";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { BundleWriter } from "@glassline/otqmn/bundle-writer";
import type { StreamLimits } from "@glassline/otqmn/limits";
import { agreedLimits } from "@glassline/otqmn/limits";
import type { Directive } from "@glassline/otqmn/directive";
import { signHello } from "@glassline/otqmn/hello";
import type {
  ProducerEffect,
  ProducerEvent,
  ProducerSession,
} from "@glassline/otqmn/producer-session";
import { newProducerSession, stepProducer } from "@glassline/otqmn/producer-session";
import type { StreamResponse, Welcome } from "@glassline/proto/otqmn";
import { NackCode, StreamRequestSchema, StreamResponseSchema } from "@glassline/proto/otqmn";
import { backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";
import type { Random } from "@glassline/service/random";

import type { MeshMetrics } from "../metrics.ts";
import type { Carrier, CarrierEvents } from "./carrier.ts";
import type { Ring } from "./ring.ts";

const TICK_MS = 250;

export interface UplinkDeps {
  ring: Ring;
  identity: Identity;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: MeshMetrics;
  /** Passes on what the collector tells cameras. */
  directed: (directive: Directive) => void;
  /** The node by which a collector can be reached now; undefined when there is none. */
  nearest: () => string | undefined;
  /** A new way to a collector; undefined when there is none now. */
  openCarrier: (events: CarrierEvents) => Carrier | undefined;
}

export class Uplink implements AsyncDisposable {
  readonly #deps: UplinkDeps;
  readonly #stop = new AbortController();
  readonly #retry;
  /** Of this stream, within what its collector takes. */
  #writer = new BundleWriter();
  /** The key batch that the writer's next is built on. */
  #keySeq = 0;
  #session: ProducerSession;
  #carrier: Carrier | undefined;
  #retryAtMs = 0;
  #nearest: string | undefined;
  #renewing = false;
  #ringWork: Promise<void> = Promise.resolve();

  constructor(deps: UplinkDeps) {
    this.#deps = deps;
    this.#retry = backoff({ firstMs: 100, maxMs: 3_000, random: deps.random });
    this.#session = newProducerSession(deps.ring.headSeq, deps.ring.durableSeq);
    void every(deps.clock, TICK_MS, this.#stop.signal, () => this.#tick());
  }

  get session(): ProducerSession {
    return this.#session;
  }

  /** The node that hands the session to the collector at present; empty when there is none. */
  get egress(): string {
    return this.#carrier?.egress ?? "";
  }

  appended(): void {
    this.#dispatch({ type: "appended", headSeq: this.#deps.ring.headSeq });
  }

  /** Routes have changed: a carrier whose end is gone is given up at once, and a new one is tried. */
  routesChanged(): void {
    if (this.#carrier && !this.#carrier.isReachable())
      this.#close("its end is not reachable any more");
    const nearest = this.#deps.nearest();
    if (nearest === this.#nearest) return;
    // A way that was not there before need not wait for the back-off.
    [this.#nearest, this.#retryAtMs] = [nearest, 0];
    this.#connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#carrier?.close("the gateway stops");
    await this.#ringWork;
  }

  #tick(): void {
    this.#connect();
    this.#dispatch({ type: "tick" });
    const { ring, metrics } = this.#deps;
    metrics.ringBytes.set(ring.bytes);
    metrics.ringBundles.set(ring.headSeq - ring.durableSeq);
  }

  #connect(): void {
    const { clock, openCarrier, metrics } = this.#deps;
    if (
      this.#carrier ||
      this.#renewing ||
      this.#stop.signal.aborted ||
      clock.monotonicMs() < this.#retryAtMs
    )
      return;
    if (this.#session.state === "refused") return;
    const carrier = openCarrier({
      message: (bytes) => this.#receive(bytes),
      closed: (reason) => {
        if (this.#carrier === carrier) this.#lost(reason);
      },
    });
    if (!carrier) return;
    this.#carrier = carrier;
    metrics.streamsOpened.inc();
    this.#dispatch({ type: "opened" });
  }

  #lost(reason: string): void {
    this.#carrier = undefined;
    this.#retryAtMs = this.#deps.clock.monotonicMs() + this.#retry.nextMs();
    this.#deps.logger.info({ reason }, "stream to the collector ended");
    this.#dispatch({ type: "closed", reason });
  }

  #close(reason: string): void {
    const carrier = this.#carrier;
    this.#lost(reason);
    carrier?.close(reason);
  }

  #receive(bytes: Uint8Array): void {
    let response: StreamResponse;
    try {
      response = fromBinary(StreamResponseSchema, bytes);
    } catch (error) {
      return this.#close(`got bytes that are not a message of a collector: ${messageOf(error)}`);
    }
    if (response.message.case === "welcome")
      this.#writer = new BundleWriter({ limits: limitsOf(response.message.value) });
    const event = eventOf(response);
    if (event.type === "welcome") this.#retry.reset();
    if (event.type === "nack" && event.code !== "gap")
      this.#deps.logger.warn({ reason: event.reason }, "the collector refuses");
    this.#dispatch(event);
  }

  #dispatch(event: ProducerEvent): void {
    const { session, effects } = stepProducer(this.#session, event, this.#deps.clock.monotonicMs());
    if (session.state !== this.#session.state)
      this.#deps.logger.info({ state: session.state, egress: this.egress }, "session");
    this.#session = session;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: ProducerEffect): void {
    switch (effect.type) {
      case "send-hello":
        return this.#sendHello(effect.firstUnackedSeq);
      case "transmit":
        this.#transmit(effect, this.#carrier).catch((error: unknown) =>
          this.#unreadable(effect.seq, error),
        );
        return;
      case "send-heartbeat":
        return this.#send({
          message: { case: "heartbeat", value: { sentAtUnixNano: this.#deps.clock.nowUnixNano() } },
        });
      case "forget":
        return this.#onRing(() => this.#deps.ring.forget(effect.durableSeq));
      case "direct":
        return this.#deps.directed(effect.directive);
      case "renew":
        return this.#renew(effect.durableSeq);
      case "close":
        if (this.#carrier) this.#close(effect.reason);
    }
  }

  #sendHello(firstUnackedSeq: number): void {
    const { ring, identity, clock } = this.#deps;
    const opening = {
      producer: identity.instance,
      incarnation: ring.incarnation,
      firstUnackedSeq: BigInt(firstUnackedSeq),
    };
    this.#send({
      message: { case: "hello", value: signHello(opening, identity, clock.nowUnixNano()) },
    });
  }

  async #transmit(
    { seq, anew }: { seq: number; anew: boolean },
    carrier: Carrier | undefined,
  ): Promise<void> {
    const { bundle, hopContexts } = await this.#deps.ring.read(seq);
    // A backlog may all be in memory: between two bundles the links are read and written, heartbeats above all.
    await turn();
    if (this.#carrier !== carrier) return;
    if (anew) this.#writer.beginAnew();
    // Contexts travel beside the bundle, where every node can read them.
    const payload = this.#writer.encode({ ...bundle, traceContexts: [] });
    if (this.#writer.wasKey) this.#keySeq = seq;
    const value = {
      seq: BigInt(seq),
      keyBatch: this.#writer.wasKey,
      keySeq: BigInt(this.#keySeq),
      traceContexts: [...bundle.traceContexts],
      payload,
    };
    this.#send({ message: { case: "batch", value } }, hopContexts);
    this.#deps.metrics.bundlesSent.inc();
    this.#dispatch({ type: "transmitted", seq, sizeBytes: payload.length });
  }

  /** The disk may answer again: the bundle is asked for anew by the next stream. */
  #unreadable(seq: number, error: unknown): void {
    this.#deps.logger.error({ seq, reason: messageOf(error) }, "a bundle could not be read");
    if (this.#carrier) this.#close("a bundle could not be read");
  }

  #send(
    init: MessageInitShape<typeof StreamRequestSchema>,
    hopContexts: readonly Uint8Array[] = [],
  ): void {
    this.#carrier?.send(
      toBinary(StreamRequestSchema, create(StreamRequestSchema, init)),
      hopContexts,
    );
  }

  #renew(durableSeq: number): void {
    const { ring, logger } = this.#deps;
    logger.error(
      { durableSeq, headSeq: ring.headSeq },
      "the collector holds more than the ring: the ring was lost; a new incarnation begins",
    );
    this.#renewing = true;
    this.#close("new incarnation");
    this.#onRing(async () => {
      try {
        await ring.renew();
        this.#session = newProducerSession(ring.headSeq, ring.durableSeq);
      } finally {
        this.#renewing = false;
      }
    });
  }

  /** One change of the ring at a time. */
  #onRing(work: () => Promise<void>): void {
    this.#ringWork = this.#ringWork.then(work).catch((error: unknown) => {
      this.#deps.logger.error({ reason: messageOf(error) }, "the ring could not be changed");
    });
  }
}

/** Nacks that another stream will not change. */
const PERMANENT: ReadonlySet<NackCode> = new Set([NackCode.INVALID, NackCode.UNAUTHENTICATED]);

function limitsOf({ limits }: Welcome): StreamLimits {
  return agreedLimits({ ...limits, columnsMax: limits?.batchMaxSeries ?? 0 });
}

function eventOf({ message }: StreamResponse): ProducerEvent {
  switch (message.case) {
    case "welcome":
      return {
        type: "welcome",
        durableSeq: Number(message.value.durableSeq),
        creditBytes: Number(message.value.creditBytes),
      };
    case "ack":
      return {
        type: "ack",
        durableSeq: Number(message.value.durableSeq),
        creditBytes: Number(message.value.creditBytes),
      };
    case "nack": {
      const { seq, code, reason } = message.value;
      const kind = code === NackCode.GAP ? "gap" : PERMANENT.has(code) ? "permanent" : "transient";
      return { type: "nack", seq: Number(seq), code: kind, reason };
    }
    case "credit":
      return { type: "credit", creditBytes: Number(message.value.creditBytes) };
    case "drain":
      return { type: "drain" };
    case "directive": {
      const { cameraId, action } = message.value;
      if (action.case === "samplingIntervalMs")
        return {
          type: "directed",
          directive: { cameraId, action: { samplingIntervalMs: action.value } },
        };
      return { type: "directed", directive: { cameraId, action: { reportNow: true } } };
    }
    case "keyBatchRequest":
      return { type: "key-batch-wanted" };
    default:
      return { type: "heard" };
  }
}

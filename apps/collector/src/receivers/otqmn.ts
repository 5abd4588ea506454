/** The OTQMN receiver: opens a stream for each producer that calls, drains them, forgets them. */
import { randomBytes } from "node:crypto";

import type { Directive } from "@glassline/otqmn/directive";
import { ownKeys } from "@glassline/otqmn/seal/keys";
import { ShareBook } from "@glassline/otqmn/seal/shares";
import { RpcError } from "@glassline/proto/errors";
import type { StreamRequest } from "@glassline/proto/otqmn";
import { every } from "@glassline/service/clock";

import { Admission } from "../core/admission.ts";
import { MemoryBudget } from "../core/memory-budget.ts";
import type { ProducerState } from "../core/producers.ts";
import { streamWindowBytes } from "../core/stream-window.ts";
import type { OtqmnReceiverDeps } from "./otqmn-stream.ts";
import { OtqmnStream } from "./otqmn-stream.ts";
import type { SealTold, Stream } from "./sealed-stream.ts";
import { SealedStream } from "./sealed-stream.ts";

const TICK_MS = 500;
const ADMISSION_INTERVAL_MS = 20;
/** Acknowledgements cost as much as batches: with many streams each has to wait for more of its own. */
const ACKS_PER_MS = 20;
const ACK_INTERVAL_MAX_MS = 20;

export interface OtqmnReceiver extends Disposable {
  accept(stream: Stream): void;
  /** Sends a directive down to a camera. Throws RpcError when there is no way to it now. @returns the producer that was told. */
  direct(directive: Directive): string;
  /** Stores nothing more of a producer's incarnation. @returns how far it got, when that is sure. */
  release(producer: string, incarnation: Uint8Array): Promise<number>;
  /** Asks every producer to go to another stream. */
  drain(): void;
}

export function createOtqmnReceiver(deps: OtqmnReceiverDeps): OtqmnReceiver {
  const open = new Set<OtqmnStream>();
  const stop = new AbortController();
  deps.pipeline.onSegment(() => open.forEach((stream) => stream.segmentBegan()));
  const { clock, admissionsPerSecond } = deps;
  const admission = new Admission(admissionsPerSecond, admissionsPerSecond, clock.monotonicMs());
  const whenTurn = (welcome: () => void) => {
    const enter = () => {
      deps.metrics.admissions.inc();
      welcome();
    };
    admission.add(enter, clock.monotonicMs());
    deps.metrics.admissionsWaiting.set(admission.waiting);
    return () => admission.leave(enter);
  };
  void every(clock, ADMISSION_INTERVAL_MS, stop.signal, () => {
    admission.run(clock.monotonicMs());
    deps.metrics.admissionsWaiting.set(admission.waiting);
  });
  const own = ownKeys(deps.identity, clock, randomBytes(8).readBigUInt64LE());
  const book = new ShareBook();
  const told: SealTold = {
    sealed: () => deps.metrics.sealedStreams.inc(),
    refused: (reason) => {
      deps.logger.warn({ reason }, "a sealed stream is ended");
      deps.metrics.dropped.inc({ reason: "seal" });
    },
  };
  const owing = new Set<OtqmnStream>();
  const acknowledge = async () => {
    await clock.sleep(Math.min(ACK_INTERVAL_MAX_MS, Math.ceil(open.size / ACKS_PER_MS)));
    const due = [...owing];
    owing.clear();
    due.forEach((stream) => stream.acknowledge());
  };
  const acknowledgeSoon = (stream: OtqmnStream) => {
    owing.add(stream);
    if (owing.size === 1) void acknowledge();
  };
  const memory = new MemoryBudget(deps.memoryBytes, undefined, deps.memoryLimit);
  const decoders = new MemoryBudget(deps.decodersBytes, undefined, deps.memoryLimit);
  let windowBytes = streamWindowBytes(deps.memoryBytes, 0);
  const openChanged = () => {
    windowBytes = streamWindowBytes(deps.memoryBytes, open.size);
    deps.metrics.streams.set(open.size);
  };
  void every(deps.clock, TICK_MS, stop.signal, () => {
    open.forEach((stream) => stream.tick());
    deps.metrics.otqmnBytes.set(memory.bytes);
    deps.metrics.decoderBytes.set(decoders.bytes);
  });
  const streamDeps = {
    ...deps,
    acknowledgeSoon,
    whenTurn,
    memory,
    decoders,
    windowBytes: () => windowBytes,
    serving: new WeakMap<ProducerState, OtqmnStream>(),
  };
  return {
    accept(stream) {
      if (open.size >= deps.streamsMax) {
        deps.metrics.dropped.inc({ reason: "too_many_streams" });
        stream.emit("error", {
          code: 8,
          details: `${open.size} streams are open, expected at most ${deps.streamsMax}`,
        });
        return;
      }
      const sealed = new SealedStream(stream, own, book, told);
      const opened = new OtqmnStream(sealed, streamDeps);
      open.add(opened);
      openChanged();
      const forget = () => {
        open.delete(opened);
        openChanged();
        opened.dispatch({ type: "ended" });
      };
      stream.on("data", (request: StreamRequest) => {
        const inside = sealed.take(request);
        if (inside) opened.receive(inside);
      });
      stream.on("cancelled", forget);
      stream.on("error", forget);
      stream.on("end", () => {
        forget();
        stream.end();
      });
      stream.on("finish", forget);
    },
    direct(directive) {
      const { cameraId } = directive;
      const camera = deps.fleet.cameras.get(cameraId);
      if (!camera)
        throw new RpcError("not_found", `camera ${JSON.stringify(cameraId)}: nothing came from it`);
      if (!camera.via || !streamDeps.serving.get(camera.via)?.direct(directive))
        throw new RpcError(
          "unavailable",
          `camera ${cameraId}: no producer has a stream for it now`,
        );
      return camera.via.producer;
    },
    async release(producer, incarnation) {
      const state = deps.producers.find(producer, incarnation);
      if (!state) return 0;
      streamDeps.serving.get(state)?.dispatch({ type: "superseded" });
      await new Promise<void>((resolve) => {
        state.settled = resolve;
        if (state.underWay === 0) resolve();
      });
      return state.durableSeq;
    },
    drain: () => open.forEach((stream) => stream.dispatch({ type: "drain" })),
    [Symbol.dispose]: () => stop.abort(),
  };
}

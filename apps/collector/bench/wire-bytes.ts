/** Bytes that really travel, beside those of payloads: framing by gRPC and HTTP/2, TLS, acknowledgements. */
import { setTimeout as delay } from "node:timers/promises";

import { SERIES } from "@glassline/bench/fleet-model";
import { about, report } from "@glassline/bench/report";

import type { CountingRelay } from "./counting-relay.ts";
import { startRelay } from "./counting-relay.ts";
import type { Case } from "./otqmn-ingestion.ts";
import { startLoaded } from "./otqmn-ingestion.ts";
import type { BenchProducer } from "./otqmn-producer.ts";

const BENCH = "wire-bytes";
/** Time for all of them to say Hello. */
const OPENING_MS = 4_000;
const NO_LIMIT = Number.POSITIVE_INFINITY;

interface PacedCase extends Case {
  /** One message of each stream so often. */
  everyMs: number;
}

const CASES: readonly PacedCase[] = [
  { streams: 4, cameras: 200, inFlight: 1, everyMs: 100 },
  { streams: 4, cameras: 20, inFlight: 1, everyMs: 100 },
  { streams: 200, cameras: 1, inFlight: 1, everyMs: 1_000 },
];

export async function measureWireBytes(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Bytes a point that TCP carries between producers and the collector, counted on the way: payload, framing (protobuf, gRPC, HTTP/2), TLS, and what comes back: acknowledgements, flow control, " +
      "heartbeats. Headers of TCP and IP are not in it. Gateways send 10 messages a second, cameras one, in the same proportion as they do at work. The first key batch and what opens a stream " +
      "(handshakes of TLS and HTTP/2, Hello, Welcome) are not in the figures a point; they are told apart, a stream. A key batch is due after 1,000 batches.",
  );
  for (const case_ of CASES) await measure(case_, isQuick ? 5_000 : 90_000);
}

async function measure(case_: PacedCase, measureMs: number): Promise<void> {
  const { cameras, streams, everyMs } = case_;
  let relay: CountingRelay | undefined;
  await using loaded = await startLoaded(case_, {
    isPaced: true,
    portBefore: async (port) => {
      relay = await startRelay(port);
      return relay.port;
    },
  });
  await using counting = relay!;
  const { producers } = loaded;
  await delay(OPENING_MS);
  const opened = sample(counting, producers);
  const stop = offering(producers, everyMs);
  await delay(Math.max(2_000, 2 * everyMs));
  const from = sample(counting, producers);
  await delay(measureMs);
  const to = sample(counting, producers);
  stop();
  const failure = producers.find((producer) => producer.failure)?.failure;
  if (failure !== undefined) throw new Error(`a producer failed: ${failure}`);
  const params = { pointsPerMessage: cameras * SERIES.length, streams, everyMs };
  const figure = (metric: string, value: number, unit: string) =>
    report(BENCH, metric, value, unit, params);
  const spent = difference(from, to);
  const points = spent.batches * cameras * SERIES.length;
  figure("payload", spent.payload / points, "bytes/point");
  figure("producer_to_collector", spent.toTarget / points, "bytes/point");
  figure("collector_to_producer", spent.fromTarget / points, "bytes/point");
  figure("both", (spent.toTarget + spent.fromTarget) / points, "bytes/point");
  figure("beside_payload", (spent.toTarget - spent.payload) / spent.batches, "bytes/message");
  figure("messages_back", spent.responses / spent.batches, "messages/message");
  figure("heartbeats", (spent.requests - spent.batches) / spent.batches, "messages/message");
  figure("batches", spent.batches, "messages");
  figure("opening_producer_to_collector", opened.toTarget / streams, "bytes/stream");
  figure("opening_collector_to_producer", opened.fromTarget / streams, "bytes/stream");
}

/** Streams begin one after another, so that they do not all send at once. */
function offering(producers: readonly BenchProducer[], everyMs: number): () => void {
  const timers: NodeJS.Timeout[] = [];
  for (const [at, producer] of producers.entries())
    timers.push(
      setTimeout(
        () => timers.push(setInterval(() => producer.offer(1, NO_LIMIT), everyMs)),
        (everyMs * at) / producers.length,
      ),
    );
  return () => timers.forEach((timer) => clearTimeout(timer));
}

interface Sample {
  toTarget: number;
  fromTarget: number;
  payload: number;
  batches: number;
  requests: number;
  responses: number;
}

function sample(relay: CountingRelay, producers: readonly BenchProducer[]): Sample {
  const sum = (of: (producer: BenchProducer) => number) =>
    producers.reduce((total, producer) => total + of(producer), 0);
  return {
    ...relay.counts(),
    payload: sum(({ bytes }) => bytes),
    batches: sum(({ acknowledged }) => acknowledged),
    requests: sum(({ requests }) => requests),
    responses: sum(({ responses }) => responses),
  };
}

function difference(from: Sample, to: Sample): Sample {
  const entries = Object.entries(to) as [keyof Sample, number][];
  return Object.fromEntries(entries.map(([key, value]) => [key, value - from[key]])) as never;
}

/** The last node of a circuit: hands the session to the collector over one gRPC stream, and its answers back. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Data } from "@glassline/proto/mesh";
import { CircuitSignal, DataSchema } from "@glassline/proto/mesh";
import type { StreamRequest, StreamRequestSchema, StreamResponse } from "@glassline/proto/otqmn";
import {
  OtqmnService,
  PassageSchema,
  StreamRequestSchema as RequestSchema,
  StreamResponseSchema,
} from "@glassline/proto/otqmn";
import type { Client, ClientStream } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { GRPC_LIMITS, RECONNECT_OPTIONS } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { connectivityState } from "@grpc/grpc-js";

import { COLLECTOR_SERVICE } from "./gateway/mesh-carrier.ts";
import type { MeshMetrics } from "./metrics.ts";
import type { Router } from "./router.ts";

const CIRCUITS_MAX = 10_000;
const PROBE_INTERVAL_MS = 200;
/** Messages that may wait for a slow collector; the session sends again what is dropped. */
const QUEUE_MAX_MESSAGES = 1_024;

export interface EgressDeps {
  /** This node's name. */
  name: string;
  /** Answers on circuits that this node's own gateway has opened. */
  toOwnGateway: (data: Data) => void;
  /** HOST:PORT. */
  collector: string;
  /** It is a load balancer in front of collectors. */
  collectorBalanced: boolean;
  identity: Identity;
  router: Router;
  clock: Clock;
  metrics: MeshMetrics;
}

/** A circuit's way on: the stream to the collector. */
type Onward = ClientStream<typeof StreamRequestSchema, typeof StreamResponseSchema>;

export interface Egress extends Disposable {
  arrive(data: Data): void;
  circuits(): number;
}

/** Announces the collector to the mesh while it is reachable from here. */
export function createEgress(deps: EgressDeps): Egress {
  const { collector, collectorBalanced, identity, router, clock, metrics } = deps;
  const role = collectorBalanced ? "load-balancer" : "collector";
  const client = createClient(OtqmnService, collector, mutualTlsClient(identity, role), {
    ...GRPC_LIMITS,
    ...TLS_CHANNEL_OPTIONS,
    ...RECONNECT_OPTIONS,
  });
  const circuits = new Map<string, Onward>();
  const stop = new AbortController();
  void every(clock, PROBE_INTERVAL_MS, stop.signal, () => announce(router, client));
  return {
    circuits: () => circuits.size,
    arrive(data) {
      const stream = circuits.get(keyOf(data)) ?? open(deps, client, circuits, data);
      if (!stream) return;
      if (data.signal === CircuitSignal.CLOSE) {
        circuits.delete(keyOf(data));
        stream.cancel();
        return;
      }
      const message = withPassage(data);
      if (!message) metrics.framesDropped.inc({ reason: "malformed" });
      else if (stream.writableLength >= QUEUE_MAX_MESSAGES) {
        metrics.framesDropped.inc({ reason: "collector_slow" });
      } else stream.write(message);
    },
    [Symbol.dispose]: () => {
      stop.abort();
      for (const stream of circuits.values()) stream.cancel();
      client[Symbol.dispose]();
    },
  };
}

function announce(router: Router, client: Client<typeof OtqmnService>): void {
  const isReady = client.$channel.getConnectivityState(true) === connectivityState.READY;
  router.setServices(isReady ? [COLLECTOR_SERVICE] : []);
}

function open(
  deps: EgressDeps,
  client: Client<typeof OtqmnService>,
  circuits: Map<string, Onward>,
  data: Data,
): Onward | undefined {
  const { metrics } = deps;
  const key = keyOf(data);
  const answer = answerTo(deps, data);
  if (data.signal !== CircuitSignal.OPEN || circuits.size >= CIRCUITS_MAX) {
    const reason = data.signal === CircuitSignal.OPEN ? "too_many_circuits" : "unknown_circuit";
    metrics.framesDropped.inc({ reason });
    if (data.signal !== CircuitSignal.CLOSE) answer(CircuitSignal.CLOSE, Buffer.from(reason));
    return undefined;
  }
  const stream = client.stream();
  circuits.set(key, stream);
  stream.on("data", (response: StreamResponse) =>
    answer(CircuitSignal.UNSPECIFIED, toBinary(StreamResponseSchema, response)),
  );
  const ended = (reason: string) => {
    if (circuits.delete(key)) answer(CircuitSignal.CLOSE, Buffer.from(reason));
  };
  stream.on("error", (error) => ended(`stream to the collector: ${error.message}`));
  stream.on("end", () => ended("the collector ended the stream"));
  return stream;
}

/** Answers go back to the circuit's gateway: through the mesh, or right here. */
function answerTo(
  { name, toOwnGateway, router }: EgressDeps,
  { circuit, source: destination }: Data,
): (signal: CircuitSignal, payload: Uint8Array) => void {
  return (signal, payload) => {
    const answer = { circuit, destination, signal, payload, hopContexts: [] };
    if (destination === name) toOwnGateway(create(DataSchema, { ...answer, source: name }));
    else router.send(answer);
  };
}

/** A circuit belongs to the node that opened it: another cannot write to it. */
function keyOf({ source, circuit }: Data): string {
  return `${circuit} ${source}`;
}

/** The session's message, with what the way added to it; undefined when the bytes are no message. */
function withPassage(data: Data): StreamRequest | undefined {
  const { payload, hopContexts, path, keySources } = data;
  const links = path
    .slice(1)
    .map((to, at) => ({ from: path[at]!, to, keySource: keySources[at] ?? "" }));
  try {
    const message = fromBinary(RequestSchema, payload);
    message.passage = create(PassageSchema, { hopContexts, links });
    return message;
  } catch {
    return undefined;
  }
}

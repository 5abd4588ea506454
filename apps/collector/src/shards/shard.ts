/** One shard: an engine whose connections come from the front, and a port by which only the front asks. */
import { ControlService } from "@glassline/proto/control";
import { QueryService } from "@glassline/proto/query";
import { addService, createClient } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import type { Running } from "@glassline/service/main";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient, mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { forShards } from "../access.ts";
import type { CollectorConfig } from "../config.ts";
import { startEngine } from "../engine.ts";
import { forwardTo } from "./forward.ts";
import { shardConfig } from "./shard-config.ts";
import type { ShardLink } from "./shard-link.ts";

const ANSWER_LIMITS = {
  "grpc.max_send_message_length": 67_108_864,
  "grpc.max_receive_message_length": 67_108_864,
};
const GRACE_MS = 1_000;

export async function startShard(
  config: CollectorConfig,
  deps: AppDeps,
  link: ShardLink,
): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const { shard, shards, frontPort } = link.place;
  const { registry } = deps.metrics;
  registry.setDefaultLabels({ app: "collector", shard: String(shard) });
  const { role, instance } = deps.identity;
  const front = [
    `127.0.0.1:${frontPort}`,
    mutualTlsClient(deps.identity, role, instance),
    { ...TLS_CHANNEL_OPTIONS, ...ANSWER_LIMITS },
  ] as const;
  const query = stack.use(createClient(QueryService, ...front));
  const control = stack.use(createClient(ControlService, ...front));
  const engine = stack.use(
    await startEngine(shardConfig(config, shard, shards), deps, {
      doors: link.doors,
      claim: link.claim,
      query: forwardTo(QueryService, query),
      control: forwardTo(ControlService, control),
    }),
  );
  const port = await openToFront(engine, deps, stack);
  link.begin(
    {
      release: engine.receiver.release,
      movedAway: (producer) => engine.stores.fleet.movedAway(producer),
      metrics: () => registry.getMetricsAsJSON(),
    },
    engine.stores.producers.all.map(({ producer, incarnation, durableSeq }) => ({
      producer,
      incarnation: Buffer.from(incarnation).toString("hex"),
      durableSeq,
    })),
  );
  const parts = stack.move();
  return { addresses: { shard, port }, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

async function openToFront(
  { query, control }: Pick<Awaited<ReturnType<typeof startEngine>>, "query" | "control">,
  { identity }: AppDeps,
  stack: AsyncDisposableStack,
): Promise<number> {
  const server = new grpc.Server(ANSWER_LIMITS);
  addService(server, QueryService, forShards(query));
  addService(server, ControlService, forShards(control));
  stack.defer(() => closeGrpc(server, GRACE_MS));
  return listenGrpc(server, "a shard", "127.0.0.1", 0, mutualTlsServer(identity));
}

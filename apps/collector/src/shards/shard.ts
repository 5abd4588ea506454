/** One shard: an engine whose connections come from the front, and a port by which only the front asks. */
import { ControlService } from "@glassline/proto/control";
import { QueryService } from "@glassline/proto/query";
import type { AppDeps } from "@glassline/service/app";
import type { Running } from "@glassline/service/main";

import type { CollectorConfig } from "../config.ts";
import { startEngine } from "../engine.ts";
import { forwardTo } from "./forward.ts";
import { connectPrivately, openPrivatePort } from "./private-port.ts";
import { shardConfig } from "./shard-config.ts";
import type { ShardLink } from "./shard-link.ts";

export async function startShard(
  config: CollectorConfig,
  deps: AppDeps,
  link: ShardLink,
): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const { shard, shards, frontPort } = link.place;
  const { registry } = deps.metrics;
  registry.setDefaultLabels({ app: "collector", shard: String(shard) });
  const front = stack.use(connectPrivately(deps.identity, frontPort));
  const control = forwardTo(ControlService, front.control);
  const engine = stack.use(
    await startEngine(shardConfig(config, shard, shards), deps, {
      doors: link.doors,
      claim: link.claim,
      query: forwardTo(QueryService, front.query),
      control,
      restart: control.restart,
    }),
  );
  const port = await openPrivatePort(engine, deps.identity, stack);
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

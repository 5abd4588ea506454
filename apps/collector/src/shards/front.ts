/**
 * The front of several shards: listens at all doors and hands connections on, keeps the shards running, knows which of them may
 * store what, and answers questions from all of them. Processes, not threads: sockets can be handed to processes only, each has a
 * heap of its own, and one that dies takes no other with it.
 */
import type { AddressInfo } from "node:net";

import type { QueryService } from "@glassline/proto/query";
import type { Implementation } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { every } from "@glassline/service/clock";
import type { Exposition } from "@glassline/service/http";
import { expositionOf } from "@glassline/service/metrics";

import type { CollectorConfig } from "../config.ts";
import type { OwnershipEffect } from "../core/ownership.ts";
import { Ownership } from "../core/ownership.ts";
import type { Door, LimitOf } from "../doors.ts";
import { openDoors } from "../doors.ts";
import type { Engine } from "../engine.ts";
import type { Restart } from "../restart.ts";
import { createFanOutControl, createFanOutQuery } from "./fan-out.ts";
import { Handing } from "./handing.ts";
import { openPrivatePort } from "./private-port.ts";
import type { Told } from "./shard-process.ts";
import { ShardProcess } from "./shard-process.ts";

const WATCH_INTERVAL_MS = 5_000;

export interface Front extends AsyncDisposable, Pick<Engine, "addresses"> {
  query: Implementation<typeof QueryService>;
  exposition: Exposition;
  unreadyReason(): string | undefined;
}

interface FrontParts {
  limitOf: LimitOf;
  restart: Restart;
}

export async function startFront(
  config: CollectorConfig,
  deps: AppDeps,
  { limitOf, restart }: FrontParts,
): Promise<Front> {
  await using stack = new AsyncDisposableStack();
  const shards: ShardProcess[] = [];
  const query = createFanOutQuery(() => shards.map(({ clients }) => clients.query));
  const control = createFanOutControl(() => shards.map(({ clients }) => clients), restart);
  const frontPort = await openPrivatePort({ query, control }, deps.identity, stack);
  const ownership = new Ownership(config.shards);
  const carryOut = (effects: readonly OwnershipEffect[]) => {
    for (const effect of effects) tell(shards[effect.shard]!, effect);
  };
  const handing = new Handing(shards, limitOf);
  for (let shard = 0; shard < config.shards; shard++) {
    const place = { type: "place", shard, shards: config.shards, frontPort } as const;
    shards.push(
      new ShardProcess(place, deps, {
        told: (message) => carryOut(decided(ownership, shard, message)),
        connectionsChanged: (door) => handing.opened(door),
        died: () => ownership.left(shard),
      }),
    );
  }
  stack.defer(async () => void (await Promise.all(shards.map((shard) => shard.stop()))));
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  void every(deps.clock, WATCH_INTERVAL_MS, stop.signal, () =>
    shards.forEach((shard) => shard.watch()),
  );
  await Promise.all(shards.map((shard) => shard.start()));
  const addresses = await openAll(config, handing, stack);
  const parts = stack.move();
  return {
    addresses,
    query,
    exposition: {
      contentType: deps.metrics.registry.contentType,
      metrics: () => metricsOf(shards, deps),
    },
    unreadyReason: () => {
      const away = shards.findIndex(({ isUp }) => !isUp);
      return away < 0 ? undefined : `shard ${away} is being started`;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function decided(ownership: Ownership, shard: number, message: Told): OwnershipEffect[] {
  switch (message.type) {
    case "marks":
      return ownership.joined(shard, message.marks);
    case "claim":
      return ownership.claimed(shard, message.claim, message);
    case "released":
      return ownership.released(shard, message);
  }
}

function tell(shard: ShardProcess, effect: OwnershipEffect): void {
  if (effect.type === "grant") {
    const { type, claim, durableSeq } = effect;
    return shard.send({ type, claim, durableSeq });
  }
  const { producer } = effect;
  if (effect.type === "moved") return shard.send({ type: "moved", producer });
  return shard.send({ type: "release", producer, incarnation: effect.incarnation });
}

async function openAll(
  config: CollectorConfig,
  handing: Handing,
  stack: AsyncDisposableStack,
): Promise<Engine["addresses"]> {
  const doors = openDoors(config);
  const open = async (door: Door | undefined) => {
    if (!door) return 0;
    const server = await handing.listen(door);
    stack.defer(() => void server.close());
    return (server.address() as AddressInfo).port;
  };
  return {
    port: await open(doors.otqmn),
    balancerPort: await open(doors.balancer),
    otlpGrpcPort: await open(doors.otlp_grpc),
    otlpHttpPort: await open(doors.otlp_http),
  };
}

/** Those of the shards, with a label `shard`, and the front's own. */
async function metricsOf(shards: readonly ShardProcess[], { metrics }: AppDeps): Promise<string> {
  const own = await metrics.registry.getMetricsAsJSON();
  return expositionOf([own, ...(await Promise.all(shards.map((shard) => shard.metrics())))]);
}

/** The settings of one of several shards. Sizes are meant for all of them together. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { OperatorError } from "@glassline/service/errors";

import type { CollectorConfig } from "../config.ts";
import {
  MEMORY_LIMIT_LEAST,
  OTLP_MEMORY_LEAST,
  OTQMN_DECODERS_LEAST,
  OTQMN_MEMORY_LEAST,
} from "../config.ts";

/** The first shard has the folder itself: a collector that had none can be divided. */
export function shardFolder(dataDir: string, shard: number): string {
  return shard === 0 ? dataDir : join(dataDir, `shard-${shard}`);
}

export function shardConfig(
  config: CollectorConfig,
  shard: number,
  shards: number,
): CollectorConfig {
  const share = (total: number) => Math.ceil(total / shards);
  return {
    ...config,
    dataDir: shardFolder(config.dataDir, shard),
    logNatsStream: shard === 0 ? config.logNatsStream : `${config.logNatsStream}-${shard}`,
    logSize: share(config.logSize),
    recentSize: share(config.recentSize),
    otlpMemory: Math.max(OTLP_MEMORY_LEAST, share(config.otlpMemory)),
    otqmnMemory: Math.max(OTQMN_MEMORY_LEAST, share(config.otqmnMemory)),
    otqmnDecoders: Math.max(OTQMN_DECODERS_LEAST, share(config.otqmnDecoders)),
    memoryLimit: config.memoryLimit && Math.max(MEMORY_LIMIT_LEAST, share(config.memoryLimit)),
    admissionRate: share(config.admissionRate),
  };
}

/** What more shards have stored would not be found. Fails with OperatorError. */
export function refuseFewerShards({ dataDir, shards }: CollectorConfig): void {
  let stored = shards;
  while (existsSync(shardFolder(dataDir, stored))) stored++;
  if (stored > shards)
    throw new OperatorError(
      `--shards: got ${shards}, expected at least ${stored}: ${dataDir} holds the logs of ${stored} shards. ` +
        "Start with that many, or with another folder.",
    );
}

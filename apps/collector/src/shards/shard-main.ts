/** One shard; the front starts it. */
import { OperatorError } from "@glassline/service/errors";
import { runApp } from "@glassline/service/app";

import { program } from "../config.ts";
import { ShardLink } from "./shard-link.ts";
import { startShard } from "./shard.ts";

const link = await ShardLink.open();
await runApp({ ...program, name: "collector-shard" }, "collector", async (config, deps) => {
  if (!link)
    throw new OperatorError(`a shard is started by the collector: ${program.command} --shards 2`);
  return startShard(config, deps, link);
});

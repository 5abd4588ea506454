/** What OpsBot does to a replica of the collector. It gives a sentence for people, and may be asked again. */
import type { ControlService } from "@glassline/proto/control";
import type { Client } from "@glassline/proto/rpc";

/** It writes a small file first. */
const TIMEOUT_MS = 3_000;

export interface CollectorCall {
  client: Pick<Client<typeof ControlService>, "restart">;
  idempotencyKey: string;
  fencingToken: bigint;
}

/** The replica ends what is under way and starts anew, with all its shards. Rejects with RpcError. */
export async function restartCollector({ client, ...request }: CollectorCall): Promise<string> {
  const { replayed } = await client.restart(request, { timeoutMs: TIMEOUT_MS });
  return replayed ? "it was told to start anew before" : "it starts anew";
}

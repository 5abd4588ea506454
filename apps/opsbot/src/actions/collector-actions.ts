/** What OpsBot does to a replica of the collector. It gives a sentence for people, and may be asked again. */
import type { ControlService } from "@glassline/proto/control";
import type { CallOptions, Client } from "@glassline/proto/rpc";

/** It writes a small file first. */
const TIMEOUT_MS = 3_000;

export interface CollectorCall extends Pick<CallOptions, "beforeSending"> {
  client: Pick<Client<typeof ControlService>, "restart">;
  idempotencyKey: string;
  fencingToken: bigint;
}

/** The replica ends what is under way and starts anew, with all its shards. Rejects with RpcError. */
export async function restartCollector({
  client,
  beforeSending,
  ...request
}: CollectorCall): Promise<string> {
  const options = { timeoutMs: TIMEOUT_MS, ...(beforeSending && { beforeSending }) };
  const { replayed } = await client.restart(request, options);
  return replayed ? "it was told to start anew before" : "it starts anew";
}

/** What OpsBot does to an edge by itself, without its node-agent. Each gives a sentence for people, and may be asked again. */
import type { EdgeCacheService } from "@glassline/proto/edge";
import type { CallOptions, Client } from "@glassline/proto/rpc";

/** Longer than any healthy edge takes. */
const TIMEOUT_MS = 1_500;

export interface EdgeCall extends Pick<CallOptions, "beforeSending"> {
  client: Pick<Client<typeof EdgeCacheService>, "fence" | "setDraining">;
  idempotencyKey: string;
  fencingToken: bigint;
  /** "Bearer TOKEN", with the edges' admin token. */
  authorization: string;
}

/** From now on the edge refuses lower tokens. Rejects with RpcError. */
export async function fenceEdge({
  client,
  fencingToken,
  authorization,
}: Omit<EdgeCall, "idempotencyKey" | "beforeSending">): Promise<string> {
  await client.fence({ fencingToken }, optionsOf(authorization));
  return `an OpsBot with a token lower than ${fencingToken} is not heard any more`;
}

/** Viewers are steered to the other edges. Rejects with RpcError. */
export async function drainEdge(call: EdgeCall): Promise<string> {
  const { changed, viewers } = await setDraining(call, true);
  if (!changed) return "its viewers were being moved already";
  return viewers === 1 ? "1 viewer is being moved" : `${viewers} viewers are being moved`;
}

/** Viewers may come again. Rejects with RpcError. */
export async function undrainEdge(call: EdgeCall): Promise<string> {
  const { changed } = await setDraining(call, false);
  return changed ? "viewers may come again" : "viewers were welcome already";
}

function setDraining(
  { client, idempotencyKey, fencingToken, authorization, beforeSending }: EdgeCall,
  draining: boolean,
) {
  const options = { ...optionsOf(authorization), ...(beforeSending && { beforeSending }) };
  return client.setDraining({ draining, idempotencyKey, fencingToken }, options);
}

const optionsOf = (authorization: string): CallOptions => ({
  timeoutMs: TIMEOUT_MS,
  authorization,
});

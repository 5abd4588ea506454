/** What OpsBot does to a link of the mesh, at one of its ends. Each gives a sentence for people, and may be asked again. */
import type { MeshAdminService } from "@glassline/proto/mesh";
import type { CallOptions, Client } from "@glassline/proto/rpc";

/** A new connection may take 5 s to fail. */
const TIMEOUT_MS = 6_000;

export interface LinkCall extends Pick<CallOptions, "beforeSending"> {
  /** Of the node at one end. */
  client: Pick<Client<typeof MeshAdminService>, "restartLink" | "rotateKeys">;
  /** The node at the other end. */
  neighbour: string;
  idempotencyKey: string;
  fencingToken: bigint;
}

/** Rejects with RpcError: "not_found" when there is no such link. */
export async function restartLink({
  client,
  beforeSending,
  ...request
}: LinkCall): Promise<string> {
  const { replayed } = await client.restartLink(request, optionsOf(beforeSending));
  const what = `the link to ${request.neighbour} was closed and comes up anew`;
  return replayed ? `${what} (the first time it was asked)` : what;
}

/** Rejects with RpcError: "not_found" when there is no such link, "unavailable" when it keeps the old keys. */
export async function rotateKeys({ client, beforeSending, ...request }: LinkCall): Promise<string> {
  const { uninterrupted, replayed } = await client.rotateKeys(request, optionsOf(beforeSending));
  const what = uninterrupted
    ? `the link to ${request.neighbour} has new keys and was never away`
    : `the link to ${request.neighbour} was closed and comes up with new keys`;
  return replayed ? `${what} (the first time it was asked)` : what;
}

const optionsOf = (beforeSending: CallOptions["beforeSending"]): CallOptions => ({
  timeoutMs: TIMEOUT_MS,
  ...(beforeSending && { beforeSending }),
});

/** A client of another of our processes that stays: gRPC with certificates of both ends. */
import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";

import { GRPC_LIMITS, RECONNECT_OPTIONS } from "./grpc.ts";
import type { Identity, Role } from "./identity.ts";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "./tls.ts";

const ANSWER_MAX_BYTES = 67_108_864;

/** @param endpoint `name` is that of its certificate; undefined: anybody of the role. */
export function peerClient<S extends DescService>(
  service: S,
  { name, host, port }: { name?: string | undefined; host: string; port: number },
  role: Role,
  identity: Identity,
): Client<S> {
  return createClient(service, `${inUrl(host)}:${port}`, mutualTlsClient(identity, role, name), {
    ...GRPC_LIMITS,
    ...TLS_CHANNEL_OPTIONS,
    ...RECONNECT_OPTIONS,
    "grpc.max_receive_message_length": ANSWER_MAX_BYTES,
  });
}

/** Without brackets the end of an IPv6 address would be a port. */
const inUrl = (host: string) => (host.includes(":") && !host.startsWith("[") ? `[${host}]` : host);

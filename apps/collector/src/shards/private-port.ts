/** A port on loopback by which the processes of one collector ask one another, each with the collector's certificate. */
import { ControlService } from "@glassline/proto/control";
import { QueryService } from "@glassline/proto/query";
import type { Client } from "@glassline/proto/rpc";
import { addService, createClient } from "@glassline/proto/rpc";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient, mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { forShards } from "../access.ts";
import type { Engine } from "../engine.ts";

const HOST = "127.0.0.1";
const ANSWER_MAX_BYTES = 67_108_864;
const GRACE_MS = 1_000;

/** @returns the port. */
export function openPrivatePort(
  { query, control }: Pick<Engine, "query" | "control">,
  identity: Identity,
  stack: AsyncDisposableStack,
): Promise<number> {
  const server = new grpc.Server({ "grpc.max_send_message_length": ANSWER_MAX_BYTES });
  addService(server, QueryService, forShards(query));
  addService(server, ControlService, forShards(control));
  stack.defer(() => closeGrpc(server, GRACE_MS));
  return listenGrpc(server, "shards", HOST, 0, mutualTlsServer(identity));
}

export interface PrivateClients extends Disposable {
  query: Client<typeof QueryService>;
  control: Client<typeof ControlService>;
}

export function connectPrivately(identity: Identity, port: number): PrivateClients {
  const credentials = mutualTlsClient(identity, identity.role, identity.instance);
  const options = { ...TLS_CHANNEL_OPTIONS, "grpc.max_receive_message_length": ANSWER_MAX_BYTES };
  const query = createClient(QueryService, `${HOST}:${port}`, credentials, options);
  const control = createClient(ControlService, `${HOST}:${port}`, credentials, options);
  return {
    query,
    control,
    [Symbol.dispose]: () => {
      query[Symbol.dispose]();
      control[Symbol.dispose]();
    },
  };
}

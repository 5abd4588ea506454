/**
 * Streams of producers that come through a load balancer of layer 7, at which the producer's TLS ends: the certificate here is the
 * balancer's, and the signed Hello alone says who the producer is. A port of its own, so that neither queries nor the classical
 * key exchange of common balancers reach the other one.
 */
import { OtqmnService } from "@glassline/proto/otqmn";
import { RpcError } from "@glassline/proto/errors";
import { addService, grpcStatus } from "@glassline/proto/rpc";
import { GRPC_LIMITS, closeGrpc } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import { balancerTlsServer, requirePeer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { CollectorConfig } from "./config.ts";
import type { Doors } from "./doors.ts";
import { openDoors } from "./doors.ts";
import type { OtqmnReceiver } from "./receivers/otqmn.ts";

const GRACE_MS = 1_000;

export interface BalancerPortDeps {
  doors: Doors;
  identity: Identity;
  receiver: OtqmnReceiver;
}

/** @returns the port, 0 when no load balancer is let in. The receiver is drained by its owner. */
export async function startBalancerPort(
  config: CollectorConfig,
  { doors, identity, receiver }: BalancerPortDeps,
  stack: AsyncDisposableStack,
): Promise<number> {
  const { loadBalancer } = config;
  const door = openDoors(config).balancer;
  if (!door) return 0;
  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, OtqmnService, {
    stream: (call) => {
      try {
        const { instance } = requirePeer(call, ["load-balancer"]);
        if (!loadBalancer.includes(instance)) throw strangeBalancer(instance, loadBalancer);
        receiver.accept(call);
      } catch (error) {
        call.emit("error", grpcStatus(error));
      }
    },
  });
  const port = await doors.grpc(door, server, balancerTlsServer(identity));
  stack.defer(async () => {
    receiver.drain();
    await closeGrpc(server, GRACE_MS);
  });
  return port;
}

function strangeBalancer(got: string, expected: readonly string[]): RpcError {
  return new RpcError(
    "permission_denied",
    `load-balancer ${got} may not call this, expected ${expected.join(" or ")}`,
  );
}

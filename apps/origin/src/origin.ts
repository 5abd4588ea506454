/** An origin: channels from files and from encoders, over HTTPS. */
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import { OriginService } from "@glassline/proto/origin";
import type { Implementation } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { listen, startAdmin } from "@glassline/service/http";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { Channels } from "./channels/channels.ts";
import { loopChannels } from "./channels/loop-channels.ts";
import type { OriginConfig } from "./config.ts";
import { HeldRequests } from "./held-requests.ts";
import { originMetrics } from "./metrics.ts";
import { createServer } from "./server.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;
const PUSH_IDLE_MS = 600_000;

export interface Origin extends AsyncDisposable {
  addresses: { port: number; grpcPort: number; adminPort: number };
}

export type OriginDeps = Pick<AppDeps, "identity" | "clock" | "metrics">;

export async function startOrigin(config: OriginConfig, deps: OriginDeps): Promise<Origin> {
  await using stack = new AsyncDisposableStack();
  const channels = new Channels(await loopChannels(config, deps.clock.nowMs()), {
    channels: config.pushChannels,
    channelMaxBytes: config.pushMemory,
    idleMs: PUSH_IDLE_MS,
  });
  const metrics = originMetrics(deps.metrics);
  const held = new HeldRequests({ clock: deps.clock, metrics });
  const server = createServer({ ...deps, channels, metrics, held, pushKey: config.pushKey });
  const port = await listen(server, "channels (--port)", config.host, config.port);
  stack.defer(() => server.close());

  const admin: Implementation<typeof OriginService> = {
    listChannels: async () => ({
      channels: channels
        .all(deps.clock.nowMs())
        .map((channel) => channel.status(deps.clock.nowMs())),
    }),
  };
  const grpcServer = new grpc.Server(GRPC_LIMITS);
  addService(grpcServer, OriginService, admin);
  const grpcPort = await listenGrpc(
    grpcServer,
    "gRPC (--grpc-port)",
    config.host,
    config.grpcPort,
    mutualTlsServer(deps.identity),
  );
  stack.defer(() => closeGrpc(grpcServer, GRACE_MS));
  const http = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      routes: jsonRoutes(OriginService, admin),
      openApi: openApi("Glassline origin", VERSION, [OriginService]),
    }),
  );
  const owned = stack.move();
  return {
    addresses: { port, grpcPort, adminPort: http.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

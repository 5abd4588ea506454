/** An origin: channels from files and from encoders, over HTTPS. */
import { fileURLToPath } from "node:url";

import { cameraIdsOf, readMp4 } from "@glassline/mp4";
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import { OriginService } from "@glassline/proto/origin";
import type { Implementation } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { OperatorError } from "@glassline/service/errors";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { listen, startAdmin } from "@glassline/service/http";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { Channel } from "./channels/channel.ts";
import { CHANNEL_NAME, Channels } from "./channels/channels.ts";
import { loopChannel } from "./channels/loop-channel.ts";
import type { OriginConfig } from "./config.ts";
import { cutPicture } from "./media/cutter.ts";
import { originMetrics } from "./metrics.ts";
import { createServer } from "./server.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;
const PUSH_IDLE_MS = 600_000;
const TEST_CARD = fileURLToPath(new URL("../test-card/test-card.mp4", import.meta.url));

export interface Origin extends AsyncDisposable {
  addresses: { port: number; grpcPort: number; adminPort: number };
}

export async function startOrigin(config: OriginConfig, deps: AppDeps): Promise<Origin> {
  await using stack = new AsyncDisposableStack();
  const channels = new Channels(await loops(config, deps.clock.nowMs()), {
    channels: config.pushChannels,
    channelMaxBytes: config.pushMemory,
    idleMs: PUSH_IDLE_MS,
  });
  const metrics = originMetrics(deps.metrics);
  const server = createServer({ ...deps, channels, metrics, pushKey: config.pushKey });
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

/** One channel a recording, under the name of its camera, and the test card. */
async function loops(
  { camera, testCard, segment }: OriginConfig,
  startedMs: number,
): Promise<Channel[]> {
  const ids = cameraIdsOf(camera);
  const files = camera.map((path, at) => ({ path, name: ids[at]! }));
  if (testCard !== "") files.push({ path: TEST_CARD, name: testCard });
  return Promise.all(
    files.map(async ({ path, name }) => {
      if (!CHANNEL_NAME.test(name))
        throw new OperatorError(
          `channel ${JSON.stringify(name)} (${path}): expected lower-case letters, digits, "-" and "_", at most 63.`,
        );
      const picture = cutPicture(await readMp4(path), path, segment);
      return loopChannel({ name, cameraId: name, picture, startedMs });
    }),
  );
}

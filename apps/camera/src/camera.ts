/** The agent beside cameras: sources -> agent -> gateway. */
import { cameraIdsOf } from "@glassline/mp4";
import type { AppDeps } from "@glassline/service/app";
import type { Clock } from "@glassline/service/clock";
import { startAdmin } from "@glassline/service/http";

import { Agent } from "./agent.ts";
import type { CameraConfig } from "./config.ts";
import { cameraMetrics } from "./metrics.ts";
import { goproSource } from "./sources/gopro.ts";
import { simulatedSource } from "./sources/simulated.ts";
import type { Source } from "./sources/source.ts";

export interface CameraDeps extends AppDeps {
  /** Sources beside those of the configuration. */
  sources?: readonly Source[];
}

export interface CameraApp extends AsyncDisposable {
  addresses: { adminPort: number; cameras: number };
}

export async function startCamera(config: CameraConfig, deps: CameraDeps): Promise<CameraApp> {
  await using stack = new AsyncDisposableStack();
  const sources = [...(await sourcesOf(config, deps.clock)), ...(deps.sources ?? [])];
  const metrics = cameraMetrics(deps.metrics);
  const cameras = sources.flatMap((source) => source.cameras);
  for (const { attributes } of cameras)
    metrics.cameras.inc({ source: attributes["camera.source"] ?? "unknown" });

  const agent = stack.use(
    new Agent(sources, config, {
      ...deps,
      metrics,
      tracer: deps.tracerProvider.getTracer("camera"),
    }),
  );
  const admin = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      unreadyReason: () =>
        agent.isAttached ? undefined : `not attached to the gateway ${config.gateway}`,
    }),
  );
  const parts = stack.move();
  return {
    addresses: { adminPort: admin.port, cameras: cameras.length },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Fails with OperatorError when a recording cannot be used. */
export async function sourcesOf(
  config: Pick<CameraConfig, "camera" | "cameras" | "idPrefix" | "seed" | "interval">,
  clock: Clock,
): Promise<Source[]> {
  const ids = cameraIdsOf(config.camera);
  const recordings = await Promise.all(
    config.camera.map(({ paths: [path] }, at) =>
      goproSource({ path: path!, cameraId: ids[at]!, clock }),
    ),
  );
  if (config.cameras === 0) return recordings;
  return [
    ...recordings,
    simulatedSource({
      count: config.cameras,
      idPrefix: config.idPrefix,
      seed: config.seed,
      intervalMs: config.interval,
      clock,
    }),
  ];
}

/** The gateway half of a node: camera receiver -> intake -> ring -> uplink. */
import { join } from "node:path";

import { ownKeys } from "@glassline/otqmn/seal/keys";
import type { CameraGatewayService } from "@glassline/proto/camera";
import type { Data } from "@glassline/proto/mesh";
import type { Implementation } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";
import { totalOf, valuesByLabel } from "@glassline/service/metrics";
import type { Random } from "@glassline/service/random";
import type { Tracer } from "@opentelemetry/api";

import type { MeshMetrics } from "../metrics.ts";
import type { Router } from "../router.ts";
import type { CameraReceiver } from "./camera-receiver.ts";
import { createCameraReceiver } from "./camera-receiver.ts";
import { Intake } from "./intake.ts";
import { createMeshCarriers } from "./mesh-carrier.ts";
import { Ring } from "./ring.ts";
import { sealedCarriers } from "./sealed-carrier.ts";
import { Uplink } from "./uplink.ts";

export interface GatewayDeps {
  identity: Identity;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: MeshMetrics;
  tracer: Tracer;
  router: Router;
}

export interface Gateway extends AsyncDisposable {
  implementation: Implementation<typeof CameraGatewayService>;
  /** True when the frame belongs to a circuit of this gateway. */
  arrive(data: Data): boolean;
  routesChanged(): void;
  status(): Promise<GatewayState>;
}

export type GatewayState = Awaited<ReturnType<typeof stateOf>>;

export async function startGateway(
  options: { dataDir: string; ringSize: number; shares: number },
  deps: GatewayDeps,
): Promise<Gateway> {
  await using stack = new AsyncDisposableStack();
  const ring = stack.use(
    await Ring.open({ directory: join(options.dataDir, "ring"), maxBytes: options.ringSize }),
  );
  for (const finding of ring.findings) deps.logger.warn({ finding }, "ring recovered");
  const carriers = createMeshCarriers(deps.router);
  const own = ownKeys(deps.identity, deps.clock, deps.router.incarnation);
  const uplink = stack.use(
    new Uplink({
      ...deps,
      ring,
      openCarrier: sealedCarriers(carriers.open, own, {
        open: carriers.open,
        count: options.shares,
      }),
      nearest: carriers.nearest,
      directed: (directive) => receiver.direct(directive),
    }),
  );
  const intake = stack.use(new Intake({ ...deps, ring, appended: () => uplink.appended() }));
  const receiver: CameraReceiver = createCameraReceiver({
    ...deps,
    intake,
    ring,
    hasRoute: () => carriers.nearest() !== undefined,
  });
  const parts = stack.move();
  return {
    implementation: receiver.implementation,
    arrive: carriers.arrive,
    routesChanged: () => uplink.routesChanged(),
    status: () => stateOf(options.ringSize, ring, uplink, deps.metrics, receiver.agents()),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function stateOf(
  ringMaxBytes: number,
  ring: Ring,
  uplink: Uplink,
  metrics: MeshMetrics,
  agents: number,
) {
  return {
    incarnation: Buffer.from(ring.incarnation).toString("hex"),
    sessionState: uplink.session.state,
    headSeq: BigInt(ring.headSeq),
    durableSeq: BigInt(ring.durableSeq),
    ringBytes: BigInt(ring.bytes),
    ringMaxBytes: BigInt(ringMaxBytes),
    reportsAccepted: await totalOf(metrics.reportsAccepted),
    reportsRefused: await valuesByLabel(metrics.reportsRefused, "reason"),
    agents,
    egress: uplink.egress,
  };
}

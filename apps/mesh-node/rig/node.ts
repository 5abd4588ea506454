/**
 * A mesh node of the rig: the router and the links of the program, with flows of probes in place of cameras and a collector. It takes the program's
 * flags, and orders of its parent.
 */
import type { Endpoint } from "@glassline/config";
import type { Data } from "@glassline/proto/mesh";
import { backoff } from "@glassline/service/backoff";
import type { AppDeps } from "@glassline/service/app";
import { runApp } from "@glassline/service/app";

import type { MeshNodeConfig } from "../src/config.ts";
import { program } from "../src/config.ts";
import { DIALLING, keepLink } from "../src/links/keep-link.ts";
import { openLinks } from "../src/links/open-links.ts";
import { meshMetrics } from "../src/metrics.ts";
import { createRouter } from "../src/router.ts";
import { Probes } from "./probes.ts";

/** What the parent says. */
export type Order =
  | { order: "dial"; peers: readonly Endpoint[] }
  | { order: "flow"; to: string; everyMs: number; bytes: number }
  | { order: "stop-flows" }
  /** It answers with `Arrivals`. */
  | { order: "arrivals" };

/** To how many nodes there is a way, from a moment on (Unix milliseconds). */
export interface Reach {
  reach: number;
  atMs: number;
}

/** When probes came since the last order (Unix milliseconds), and the way of the last one. */
export interface Arrivals {
  arrivals: number[];
  path: string[];
}

await runApp(program, "mesh-node", startRigNode);

async function startRigNode(config: MeshNodeConfig, deps: AppDeps) {
  await using stack = new AsyncDisposableStack();
  const metrics = meshMetrics(deps.metrics);
  const tracer = deps.tracerProvider.getTracer("mesh-node");
  const router = stack.use(createRouter({ ...deps, node: config.name, metrics, tracer }));
  const links = await openLinks(config, { ...deps, router, metrics }, stack);
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const probes = stack.use(new Probes((data) => router.send(data)));
  router.onArrival((data: Data) => probes.arrived(data, now()));
  let known = 0;
  router.onRoutes(() => {
    const reach = router.status().routes.length;
    if (reach !== known) tell({ reach, atMs: now() });
    known = reach;
  });
  const dial = (peer: Endpoint) => {
    const keep = { ...deps, dial: links.dial, failed: () => {} };
    const pauses = backoff({ ...DIALLING, random: deps.random });
    void keepLink(peer, { ...keep, backoff: pauses }, stop.signal);
  };
  const obey = (order: Order) => {
    if (order.order === "dial") order.peers.forEach(dial);
    else if (order.order === "flow") probes.flow(order.to, order.everyMs, order.bytes);
    else if (order.order === "stop-flows") probes.stop();
    else tell(probes.taken());
  };
  process.on("message", obey);
  stack.defer(() => void process.off("message", obey));
  const owned = stack.move();
  return {
    addresses: { port: config.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Unix milliseconds. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function tell(said: Reach | Arrivals): void {
  process.send?.(said);
}

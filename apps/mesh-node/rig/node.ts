/**
 * A mesh node of the rig: the router and the links of the program, with flows of probes in place of cameras and a collector. It takes the program's
 * flags, and orders of its parent.
 */
import type { Endpoint } from "@glassline/config";
import type { Data } from "@glassline/proto/mesh";
import { backoff } from "@glassline/service/backoff";
import type { AppDeps } from "@glassline/service/app";
import { runApp } from "@glassline/service/app";
import { totalOf, valuesByLabel } from "@glassline/service/metrics";

import type { MeshNodeConfig } from "../src/config.ts";
import { program } from "../src/config.ts";
import { DIALLING, keepLink } from "../src/links/keep-link.ts";
import { openLinks } from "../src/links/open-links.ts";
import { meshMetrics } from "../src/metrics.ts";
import type { Router } from "../src/router.ts";
import { createRouter } from "../src/router.ts";
import type { Arrival } from "./probes.ts";
import { Probes } from "./probes.ts";

/** What the parent says. */
export type Order =
  | { order: "dial"; peers: readonly Endpoint[] }
  /** They are dialled no more. */
  | { order: "leave"; names: readonly string[] }
  | { order: "flow"; to: string; everyMs: number; bytes: number }
  /** As many as the link takes over which the way leads. */
  | { order: "flood"; to: string; bytes: number }
  /** A packet to each. */
  | { order: "probe"; to: readonly string[]; bytes: number }
  | { order: "stop-flows" }
  /** It answers with `Told`. */
  | { order: "tell" }
  /** It answers with `Ways`. */
  | { order: "ways" };

/** The next hop, by destination. */
export interface Ways {
  ways: Record<string, string>;
}

/** To how many nodes there is a way, from a moment on (Unix milliseconds). */
export interface Reach {
  reach: number;
  atMs: number;
}

interface DatagramCount {
  datagrams: number;
  bytes: number;
}

/** Since it was asked last. */
export interface Told {
  arrivals: Arrival[];
  /** Packets of its flows. */
  sent: number;
  /** Packets of floods that came. */
  flooded: number;
  /** Since its start: datagrams that carry some of them, and their bytes, without those of IP and UDP. */
  data: DatagramCount;
  /** The same of datagrams by which ends of links agree on keys. */
  openings: DatagramCount;
  /** Since its start: frames that were dropped, by reason, and those that were sent another way when their link went down. */
  dropped: Record<string, number>;
  salvaged: number;
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
    const { reach } = router;
    if (reach !== known) tell({ reach, atMs: now() });
    known = reach;
  });
  const dialled = new Map<string, AbortController>();
  const leave = (name: string) => {
    dialled.get(name)?.abort();
    dialled.delete(name);
  };
  const dial = (peer: Endpoint) => {
    leave(peer.name);
    const left = new AbortController();
    dialled.set(peer.name, left);
    const keep = { ...deps, dial: links.dial, failed: () => {} };
    const pauses = backoff({ ...DIALLING, random: deps.random });
    const ended = AbortSignal.any([stop.signal, left.signal]);
    void keepLink(peer, { ...keep, backoff: pauses }, ended);
  };
  const told = async (): Promise<Told> => {
    const datagrams = await valuesByLabel(metrics.datagramsSent, "carries");
    const bytes = await valuesByLabel(metrics.datagramBytesSent, "carries");
    const countOf = (carries: string): DatagramCount => ({
      datagrams: Number(datagrams[carries] ?? 0n),
      bytes: Number(bytes[carries] ?? 0n),
    });
    const dropped = await valuesByLabel(metrics.framesDropped, "reason");
    return {
      ...probes.taken(),
      data: countOf("data"),
      openings: countOf("opening"),
      dropped: Object.fromEntries(Object.entries(dropped).map(([why, all]) => [why, Number(all)])),
      salvaged: Number(await totalOf(metrics.framesSalvaged)),
    };
  };
  const obey = (order: Order) => {
    if (order.order === "dial") order.peers.forEach(dial);
    else if (order.order === "leave") order.names.forEach(leave);
    else if (order.order === "flow") probes.flow(order.to, order.everyMs, order.bytes);
    else if (order.order === "flood") flood(config.name, order, router, probes);
    else if (order.order === "probe") for (const to of order.to) probes.once(to, order.bytes);
    else if (order.order === "stop-flows") probes.stop();
    else if (order.order === "ways") tell({ ways: waysOf(router) });
    else void told().then(tell);
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

function flood(
  source: string,
  { to: destination, bytes }: Extract<Order, { order: "flood" }>,
  router: Router,
  probes: Probes,
): void {
  const link = router.linkTo(waysOf(router)[destination]!)!;
  probes.flood(link, { source, destination, payload: new Uint8Array(bytes) });
}

function waysOf(router: Router): Ways["ways"] {
  const { routes } = router.status();
  return Object.fromEntries(routes.map(({ origin = "", nextHop = "" }) => [origin, nextHop]));
}

function tell(said: Reach | Told | Ways): void {
  process.send?.(said);
}

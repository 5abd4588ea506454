/** The links of a node, over what its configuration says. */
import type { AppDeps } from "@glassline/service/app";
import type { Endpoint } from "@glassline/config";
import type { MeshLinkService } from "@glassline/proto/mesh";
import type { Implementation } from "@glassline/proto/rpc";
import type { KeyStock } from "@glassline/quantum/key-delivery/key-stock";
import type { KeySource } from "@glassline/quantum/keys/epoch";
import { OperatorError } from "@glassline/service/errors";

import type { MeshNodeConfig } from "../config.ts";
import type { MeshMetrics } from "../metrics.ts";
import type { Router } from "../router.ts";
import { acceptLinks, grpcDialler } from "./grpc-links.ts";
import type { DialOnce } from "./keep-link.ts";
import { KeyManagerSupply } from "./sealed/key-manager.ts";
import { NO_KEYS } from "./sealed/key-supply.ts";
import { UdpLinks } from "./sealed/udp-links.ts";

export interface OpenLinks {
  dial: DialOnce;
  /** Undefined: no links are taken over gRPC. */
  service: Implementation<typeof MeshLinkService> | undefined;
}

interface LinkDeps extends Omit<AppDeps, "metrics"> {
  router: Router;
  metrics: MeshMetrics;
}

/** Fails with OperatorError. @param port of gRPC: links over UDP have the same number. */
export async function openLinks(
  config: MeshNodeConfig,
  deps: LinkDeps,
  stack: AsyncDisposableStack,
): Promise<OpenLinks> {
  const { incarnation, linkEvents: events } = deps.router;
  refuseWhatCannotBe(config);
  if (config.links === "grpc") {
    const service = acceptLinks(events, incarnation);
    return { dial: grpcDialler({ ...deps, incarnation, events }), service };
  }
  const { host, port, mode, allowSimulatedKeys, keyLifetime } = config;
  const udp = await UdpLinks.open(host, port, {
    ...deps,
    incarnation,
    events,
    mode,
    allowSimulatedKeys,
    datagramBytes: config.datagramSize,
    tcpPort: config.tcpPort || undefined,
    fallbacks: config.fallback,
    // As WireGuard's: two thirds of the time that keys are good for.
    keyTimes: { rekeyAfterMs: (keyLifetime * 2) / 3, rejectAfterMs: keyLifetime },
    keys: keysOf(config.keyManager, config, deps, stack),
    dropped: (reason) => deps.metrics.datagramsDropped.inc({ reason }),
    sent: (bytes, carries) => {
      deps.metrics.datagramsSent.inc({ carries });
      deps.metrics.datagramBytesSent.inc({ carries }, bytes);
    },
  });
  stack.use(udp);
  return { dial: udp.dial, service: undefined };
}

/** Throws OperatorError. */
function refuseWhatCannotBe(config: MeshNodeConfig): void {
  const { links, mode, tcpPort, fallback, peer, keyManager } = config;
  const ofUdp = {
    "--mode": mode === "hybrid" ? "" : mode,
    "--tcp-port": tcpPort === 0 ? "" : String(tcpPort),
    "--fallback": fallback.map(({ name }) => name).join(", "),
  };
  for (const [flag, got] of Object.entries(ofUdp))
    if (links === "grpc" && got !== "")
      throw new OperatorError(`${flag}: got ${got} with --links grpc, expected --links udp`);
  if (mode !== "hybrid" && keyManager.length === 0)
    throw new OperatorError(`--mode ${mode}: got no --key-manager, expected one`);
  const names = peer.map(({ name }) => name);
  const stranger = fallback.find(({ name }) => !names.includes(name));
  if (stranger)
    throw new OperatorError(
      `--fallback: got ${stranger.name}, expected a neighbour of --peer: ${names.join(", ") || "there is none"}`,
    );
}

function keysOf(
  managers: readonly Endpoint[],
  { keySource: source }: MeshNodeConfig,
  deps: LinkDeps,
  stack: AsyncDisposableStack,
) {
  const [manager, ...more] = managers;
  if (more.length > 0)
    throw new OperatorError(`--key-manager: got ${managers.length}, expected one or none`);
  if (!manager) return NO_KEYS;
  const asked = (from: KeySource) => deps.metrics.quantumKeys.inc({ source: from });
  const looked = (neighbour: string, { keys, madePerS, qber }: KeyStock) => {
    deps.metrics.keyStock.set({ neighbour, source }, keys);
    deps.metrics.keyRate.set({ neighbour, source }, madePerS);
    if (qber !== undefined) deps.metrics.qber.set({ neighbour, source }, qber);
  };
  return stack.use(new KeyManagerSupply(manager, { ...deps, source, asked, looked }));
}

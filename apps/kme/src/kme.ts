/** A key manager: quantum links to others, keys for SAEs. */
import type { KmeService } from "@glassline/proto/kme";
import { KmeService as Service, QuantumLinkService } from "@glassline/proto/kme";
import { RpcError } from "@glassline/proto/errors";
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import type { Implementation } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import { PRESETS } from "@glassline/quantum/physics/presets";
import type { AppDeps } from "@glassline/service/app";
import { backoff } from "@glassline/service/backoff";
import { every } from "@glassline/service/clock";
import { OperatorError } from "@glassline/service/errors";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { startAdmin } from "@glassline/service/http";
import { closeHttp, listenHttp } from "@glassline/service/listen-http";
import { mutualTlsServer, requireCaller } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { apiServer } from "./api.ts";
import type { KmeConfig } from "./config.ts";
import { WaitingKeys } from "./core/waiting-keys.ts";
import { keyDelivery } from "./delivery.ts";
import { LINK_LIMITS, acceptLinks, keepLink } from "./link/grpc-link.ts";
import type { Outcome } from "./link/link-end.ts";
import { QuantumLink } from "./link/quantum-link.ts";
import { linkSecret } from "./link/secret.ts";
import type { KmeMetrics } from "./metrics.ts";
import { kmeMetrics } from "./metrics.ts";
import { pairLink } from "./pair-link.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;
const DIAL_FIRST_MS = 100;
const DIAL_MAX_MS = 2_000;

export interface Kme extends AsyncDisposable {
  addresses: { port: number; grpcPort: number; adminPort: number };
}

export async function startKme(config: KmeConfig, deps: AppDeps): Promise<Kme> {
  await using stack = new AsyncDisposableStack();
  const { clock, logger, identity } = deps;
  const saes = saesOf(config.sae);
  const links = new Map<string, QuantumLink>();
  const metrics = kmeMetrics(deps.metrics, links);
  const waiting = new WaitingKeys(
    { keys: config.waitingKeys, lifetimeMs: config.waitingTime },
    (reason) => metrics.waitingDropped.inc({ reason }),
  );
  stack.defer(() => waiting.wipe());
  const peers = new Set([...config.peer.map(({ name }) => name), ...saes.values()]);
  peers.delete(config.name);
  for (const peer of peers)
    links.set(peer, await linkTo(peer, config, deps, { saes, waiting, metrics }));
  stack.defer(() => links.values().forEach((link) => link.wipe()));

  const server = new grpc.Server(LINK_LIMITS);
  const isOurs = (peer: string) => config.peer.some(({ name }) => name === peer);
  const accepting = (peer: string) => (isOurs(peer) ? undefined : links.get(peer));
  addService(server, QuantumLinkService, acceptLinks(accepting, logger));
  const admin = kmeService(config.name, links);
  addService(server, Service, admin);
  const credentials = mutualTlsServer(identity);
  const grpcPort = await listenGrpc(
    server,
    "gRPC (--grpc-port)",
    config.host,
    config.grpcPort,
    credentials,
  );
  stack.defer(() => closeGrpc(server, GRACE_MS));

  const delivery = keyDelivery(config, { saes, links, waiting, clock, metrics });
  const api = apiServer(identity, delivery, logger);
  const port = await listenHttp(api, "HTTPS for SAEs (--port)", config.host, config.port);
  stack.defer(() => closeHttp(api));
  keepLinks(config, deps, links, stack);
  const http = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      routes: jsonRoutes(Service, admin).filter(({ method }) => method.localName === "getStatus"),
      openApi: openApi("Glassline key manager", VERSION, [Service]),
    }),
  );
  const owned = stack.move();
  return {
    addresses: { port, grpcPort, adminPort: http.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Throws OperatorError. */
function saesOf(words: readonly string[]): Map<string, string> {
  return new Map(
    words.map((word): [string, string] => {
      const [, sae, kme] = /^([^=]+)=([^=]+)$/.exec(word) ?? [];
      if (sae === undefined || kme === undefined)
        throw new OperatorError(`--sae: got ${JSON.stringify(word)}, expected SAE=KME`);
      return [sae, kme];
    }),
  );
}

async function linkTo(
  peer: string,
  config: KmeConfig,
  { clock, random }: AppDeps,
  parts: { saes: ReadonlyMap<string, string>; waiting: WaitingKeys; metrics: KmeMetrics },
): Promise<QuantumLink> {
  const { saes, waiting, metrics } = parts;
  const { name, secretDir, pkiDir, lengthKm, frame, block, store, eavesdropper } = config;
  const link = { ...PRESETS[config.link], ...(lengthKm > 0 && { lengthKm }) };
  const isSender = config.peer.some((one) => one.name === peer);
  const isEntangled = isSender && config.protocol === "e91";
  return new QuantumLink({
    peer,
    isSender,
    link,
    pairs: isEntangled ? await pairLink(peer, config, link) : undefined,
    pulses: frame,
    blockBits: block,
    storeBytes: store,
    eavesdropped: eavesdropper,
    secret: await linkSecret(secretDir === "" ? pkiDir : secretDir, pkiDir, [name, peer]),
    waiting,
    accepts: ({ masterSaeId, slaveSaeId }) =>
      saes.get(masterSaeId) === peer && saes.get(slaveSaeId) === name,
    clock,
    random,
    ended: (outcome) => count(peer, outcome, metrics),
  });
}

function count(peer: string, { halves, qber }: Outcome, metrics: KmeMetrics): void {
  const result = halves ? "key" : qber === undefined ? "unequal" : "no_key";
  metrics.blocks.inc({ peer, result });
  if (halves) metrics.secretBytes.inc({ peer }, halves.sender.length + halves.receiver.length);
}

function keepLinks(
  { peer, frameInterval }: KmeConfig,
  deps: AppDeps,
  links: ReadonlyMap<string, QuantumLink>,
  stack: AsyncDisposableStack,
): void {
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  for (const one of peer) {
    const link = links.get(one.name)!;
    const tries = backoff({ firstMs: DIAL_FIRST_MS, maxMs: DIAL_MAX_MS, random: deps.random });
    void keepLink(one, link, { ...deps, backoff: tries }, stop.signal);
    void every(deps.clock, frameInterval, stop.signal, () => link.light());
  }
}

function kmeService(
  name: string,
  links: ReadonlyMap<string, QuantumLink>,
): Implementation<typeof KmeService> {
  return {
    getStatus: async () => ({ name, links: [...links.values()].map((link) => link.status()) }),
    setEavesdropper: async ({ peer, share }, context) => {
      requireCaller(context, ["opsbot", "operator"]);
      if (!(share >= 0 && share <= 1))
        throw new RpcError("invalid_argument", `share: got ${share}, expected 0 to 1`);
      const link = links.get(peer);
      if (!link) throw new RpcError("not_found", `peer: got ${JSON.stringify(peer)}, expected one`);
      if (!link.eavesdrop(share))
        throw new RpcError("failed_precondition", `${peer} sends the light: ask it`);
      return {};
    },
  };
}

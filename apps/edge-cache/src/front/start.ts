/** Where viewers connect, as the settings say. */
import type { Clock } from "@glassline/service/clock";
import type { KeyPair, OpenedPair } from "@glassline/service/certificate";
import { expiresMs, openKeyPair, watchKeyPair } from "@glassline/service/certificate";
import { OperatorError } from "@glassline/service/errors";
import type { ListenAddress } from "@glassline/service/listen-http";
import { listenAddressOf } from "@glassline/service/listen-http";
import type { Logger } from "@glassline/service/logger";

import type { EdgeCacheConfig } from "../config.ts";
import type { EdgeMetrics } from "../metrics.ts";
import type { FrontDeps } from "./front.ts";
import { Front } from "./front.ts";

export interface Viewed {
  at: ListenAddress;
  plainAt: ListenAddress | undefined;
  /** Undefined: viewers are served without TLS. */
  tls: OpenedPair | undefined;
  publicUrl: string;
}

/** What the settings say of it; the certificate is read. Rejects with OperatorError. */
export async function viewedOf(config: EdgeCacheConfig): Promise<Viewed> {
  const { listen, host, port, tlsCert, tlsKey, plainListen, publicUrl } = config;
  const tls = await openKeyPair(
    { flag: "--tls-cert", path: tlsCert },
    { flag: "--tls-key", path: tlsKey },
  );
  if (plainListen !== "" && !tls)
    throw new OperatorError(
      "--plain-listen: got it without --tls-cert, expected both: without TLS, --listen is plain",
    );
  const at = listen === "" ? { flag: "--port", host, port } : listenAddressOf("--listen", listen);
  return {
    at,
    plainAt: plainListen === "" ? undefined : listenAddressOf("--plain-listen", plainListen),
    tls,
    publicUrl: publicUrl || `${tls ? "https" : "http"}://localhost:${at.port}`,
  };
}

export interface StartedFront {
  front: Front;
  port: number;
  plainPort: number | undefined;
}

/** Rejects with OperatorError. */
export async function startFront(
  config: EdgeCacheConfig,
  { at, plainAt, tls }: Viewed,
  deps: FrontDeps & { clock: Clock; logger: Logger; metrics: EdgeMetrics },
  stack: AsyncDisposableStack,
): Promise<StartedFront> {
  const limits = {
    connectionsMax: config.connections,
    clientConnectionsMax: config.clientConnections,
    timeoutMs: config.clientTimeout,
    headerBytes: config.headerSize,
  };
  const front = stack.use(new Front(limits, deps));
  if (!tls) return { front, port: await front.listen(at), plainPort: undefined };
  const expires = (shown: KeyPair) => deps.metrics.certificateExpires.set(expiresMs(shown) / 1_000);
  const port = await front.listenTls(at, tls.pair);
  expires(tls.pair);
  const changed = (next: KeyPair) => {
    front.show(next);
    expires(next);
  };
  stack.use(watchKeyPair(tls.files, { ...deps, changed }));
  return { front, port, plainPort: plainAt && (await front.listen(plainAt)) };
}

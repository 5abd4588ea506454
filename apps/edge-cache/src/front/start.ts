/** Where viewers connect, as the settings say. */
import type { Clock } from "@glassline/service/clock";
import type { KeyPair } from "@glassline/service/certificate";
import { expiresMs, readKeyPair, watchKeyPair } from "@glassline/service/certificate";
import { OperatorError } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { EdgeCacheConfig } from "../config.ts";
import type { EdgeMetrics } from "../metrics.ts";
import type { At, FrontDeps } from "./front.ts";
import { Front } from "./front.ts";

export interface Viewed {
  at: At;
  plainAt: At | undefined;
  /** Undefined: viewers are served without TLS. */
  pair: KeyPair | undefined;
  publicUrl: string;
}

/** What the settings say of it; the certificate is read. Rejects with OperatorError. */
export async function viewedOf(config: EdgeCacheConfig): Promise<Viewed> {
  const { listen, host, port, tlsCert, tlsKey, plainListen, publicUrl } = config;
  if ((tlsCert === "") !== (tlsKey === ""))
    throw new OperatorError(
      `--tls-cert and --tls-key: got ${tlsCert === "" ? "the key" : "the certificate"} alone, expected both or none`,
    );
  if (plainListen !== "" && tlsCert === "")
    throw new OperatorError(
      "--plain-listen: got it without --tls-cert, expected both: without TLS, --listen is plain",
    );
  const at = listen === "" ? { flag: "--port", host, port } : atOf("--listen", listen);
  const pair = tlsCert === "" ? undefined : await readKeyPair(filesOf(config));
  return {
    at,
    plainAt: plainListen === "" ? undefined : atOf("--plain-listen", plainListen),
    pair,
    publicUrl: publicUrl || `${pair ? "https" : "http"}://localhost:${at.port}`,
  };
}

function filesOf({ tlsCert, tlsKey }: EdgeCacheConfig) {
  return {
    certificate: { flag: "--tls-cert", path: tlsCert },
    key: { flag: "--tls-key", path: tlsKey },
  };
}

/** Throws OperatorError. */
function atOf(flag: string, text: string): At {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[3]) > 65_535)
    throw new OperatorError(`${flag}: got ${JSON.stringify(text)}, expected HOST:PORT`);
  return { flag, host: match[1] ?? match[2]!, port: Number(match[3]) };
}

export interface StartedFront {
  front: Front;
  port: number;
  plainPort: number | undefined;
}

/** Rejects with OperatorError. */
export async function startFront(
  config: EdgeCacheConfig,
  { at, plainAt, pair }: Viewed,
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
  if (!pair) return { front, port: await front.listen(at), plainPort: undefined };
  const expires = (shown: KeyPair) => deps.metrics.certificateExpires.set(expiresMs(shown) / 1_000);
  const port = await front.listenTls(at, pair);
  expires(pair);
  const changed = (next: KeyPair) => {
    front.show(next);
    expires(next);
  };
  stack.use(watchKeyPair(filesOf(config), { ...deps, changed }));
  return { front, port, plainPort: plainAt && (await front.listen(plainAt)) };
}

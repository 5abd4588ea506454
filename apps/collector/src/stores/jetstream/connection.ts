/** A connection to NATS servers with JetStream. The place crosses threads: credentials and keys are files that each thread reads. */
import { readFileSync } from "node:fs";

import type { JetStreamManager } from "@nats-io/jetstream";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { OperatorError, messageOf } from "@glassline/service/errors";

export interface JetStreamPlace {
  /** "nats://host:port" or "tls://host:port", each a way to the same cluster. */
  servers: readonly string[];
  stream: string;
  /** Files; empty: none. */
  credentialsFile: string;
  caFile: string;
  certificateFile: string;
  keyFile: string;
}

export interface JetStream extends AsyncDisposable {
  nc: NatsConnection;
  manager: JetStreamManager;
}

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** A server that is away is asked again so often, and a silent one is left after two of the longer ones. */
const RECONNECT_MS = 250;
const PING_MS = 5_000;

/** The connection comes back by itself, for ever. Rejects with OperatorError when there is none at first. */
export async function connectJetStream(place: JetStreamPlace, name: string): Promise<JetStream> {
  try {
    const nc = await connect({
      name,
      servers: [...place.servers],
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS,
      pingInterval: PING_MS,
      ...authenticationOf(place),
    });
    // Asking about the account would fail while the cluster elects its leader: the first request tells as well.
    const manager = await jetstreamManager(nc, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });
    return { nc, manager, [Symbol.asyncDispose]: () => nc.close() };
  } catch (error) {
    throw new OperatorError(
      `--log-nats ${place.servers.join(", ")}: no connection: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

function authenticationOf({ credentialsFile, caFile, certificateFile, keyFile }: JetStreamPlace) {
  const tls = {
    ...(caFile && { caFile }),
    ...(certificateFile && { certFile: certificateFile }),
    ...(keyFile && { keyFile }),
  };
  return {
    ...(credentialsFile && { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
}

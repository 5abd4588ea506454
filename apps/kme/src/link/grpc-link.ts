/** Quantum links as gRPC streams under mutual TLS 1.3. One end dials and sends the light, the other accepts; both know the other by its certificate. */
import type { EventEmitter } from "node:events";

import type { Endpoint } from "@glassline/config";
import type { Remark } from "@glassline/proto/kme";
import { QuantumLinkService } from "@glassline/proto/kme";
import type { Implementation } from "@glassline/proto/rpc";
import { createClient, grpcStatus } from "@glassline/proto/rpc";
import { RpcError } from "@glassline/proto/errors";
import type { Backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import { GRPC_LIMITS } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient, requirePeer } from "@glassline/service/tls";

import type { QuantumLink } from "./quantum-link.ts";

/** A frame of light of a strong link is some MB. */
const REMARK_MAX_BYTES = 67_108_864;
export const LINK_LIMITS = { ...GRPC_LIMITS, "grpc.max_receive_message_length": REMARK_MAX_BYTES };

type RemarkStream = EventEmitter & {
  write: (remark: Remark) => boolean;
  end: () => unknown;
};

/** Until one of them ends it. @returns why it ended. */
function discuss(stream: RemarkStream, link: QuantumLink, logger: Logger): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const say = (remark: Remark) => void stream.write(remark);
  const end = (reason: string) => {
    link.closed(say);
    resolve(reason);
  };
  const hear = link.opened(say);
  stream.on("data", (remark: Remark) => {
    try {
      hear(remark);
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, "a quantum link is given up");
      end(messageOf(error));
      stream.end();
    }
  });
  stream.on("error", (error: Error) => end(error.message));
  stream.on("cancelled", () => end("the other end has gone"));
  stream.on("end", () => {
    stream.end();
    end("the other end has closed it");
  });
  return promise;
}

/** The accepting end. @param linkTo the link to a key manager of that name, at which this end receives the light. */
export function acceptLinks(
  linkTo: (peer: string) => QuantumLink | undefined,
  logger: Logger,
): Implementation<typeof QuantumLinkService> {
  return {
    discuss: (stream) => {
      try {
        const { instance } = requirePeer(stream, ["kme"]);
        const link = linkTo(instance);
        if (!link) throw new RpcError("permission_denied", `no secret is shared with ${instance}`);
        void discuss(stream, link, logger);
      } catch (error) {
        stream.emit("error", grpcStatus(error));
      }
    },
  };
}

export interface DialDeps {
  identity: Identity;
  clock: Clock;
  backoff: Backoff;
  logger: Logger;
}

/** The dialling end: keeps the link up until it is told to stop, with back-off between tries. */
export async function keepLink(
  { name, host, port }: Endpoint,
  link: QuantumLink,
  { identity, clock, backoff, logger }: DialDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    using client = createClient(
      QuantumLinkService,
      `${host}:${port}`,
      mutualTlsClient(identity, "kme", name),
      { ...LINK_LIMITS, ...TLS_CHANNEL_OPTIONS },
    );
    const stream = client.discuss();
    const stop = () => stream.cancel();
    signal.addEventListener("abort", stop, { once: true });
    stream.once("data", () => backoff.reset());
    const reason = await discuss(stream, link, logger);
    signal.removeEventListener("abort", stop);
    stream.cancel();
    if (!signal.aborted) logger.debug({ peer: name, reason }, "no quantum link");
    await clock.sleep(backoff.nextMs(), signal).catch(() => {});
  }
}

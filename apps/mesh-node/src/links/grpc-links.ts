/** Links as gRPC streams under mutual TLS 1.3. One end dials, the other accepts; both know the other by its certificate. */

import type { EventEmitter } from "node:events";

import { create } from "@bufbuild/protobuf";
import type { Endpoint } from "@glassline/config";
import type { Frame } from "@glassline/proto/mesh";
import { FrameSchema, MeshLinkService } from "@glassline/proto/mesh";
import type { Implementation } from "@glassline/proto/rpc";
import { createClient, grpcStatus } from "@glassline/proto/rpc";
import type { Backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import { GRPC_LIMITS } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import {
  KEY_EXCHANGE,
  TLS_CHANNEL_OPTIONS,
  mutualTlsClient,
  requirePeer,
} from "@glassline/service/tls";

import type { FrameInit, Link, LinkEvents } from "./link.ts";

/** Frames that may wait for a slow neighbour; more are dropped and counted by the caller. */
export const QUEUE_MAX_FRAMES = 1_024;

/** What both ends of a gRPC stream of frames have in common. */
type FrameStream = EventEmitter & {
  readonly writable: boolean;
  readonly writableLength: number;
  write(frame: Frame): boolean;
  end(): unknown;
};

function linkOver(
  stream: FrameStream,
  neighbour: string,
  keyExchange: string,
  close: (reason: string) => void,
): Link {
  return {
    neighbour,
    keyExchange,
    send: (frame: FrameInit) => {
      if (!stream.writable || stream.writableLength >= QUEUE_MAX_FRAMES) return false;
      stream.write(create(FrameSchema, frame));
      return true;
    },
    close,
  };
}

/** The accepting end. */
export function acceptLinks(events: LinkEvents): Implementation<typeof MeshLinkService> {
  return {
    link: (stream) => {
      try {
        const { instance } = requirePeer(stream, ["mesh-node"]);
        const link = linkOver(stream, instance, KEY_EXCHANGE, () => stream.end());
        watch(stream, link, events);
        events.up(link);
      } catch (error) {
        stream.emit("error", grpcStatus(error));
      }
    },
  };
}

/** Tells of every frame and, once, of the end. */
function watch(
  stream: FrameStream,
  link: Link,
  events: LinkEvents,
  ended: () => void = () => {},
): void {
  let isDown = false;
  const down = (reason: string) => {
    if (isDown) return;
    isDown = true;
    events.down(link, reason);
    ended();
  };
  stream.on("data", (frame: Frame) => {
    if (!isDown) events.frame(link, frame);
  });
  stream.on("error", (error: Error) => down(error.message));
  stream.on("cancelled", () => down("the neighbour has gone"));
  stream.on("end", () => {
    stream.end();
    down("the neighbour has closed the link");
  });
  stream.on("finish", () => down("closed"));
}

export interface DialDeps {
  identity: Identity;
  events: LinkEvents;
  clock: Clock;
  backoff: Backoff;
  /** Told each time a try fails. */
  failed: (reason: string) => void;
}

/** The dialling end: keeps a link to a neighbour until it is told to stop, with back-off between tries. */
export async function keepLink(
  { name, host, port }: Endpoint,
  deps: DialDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await dialOnce(`${host}:${port}`, name, deps, signal).catch((error: unknown) =>
      deps.failed(messageOf(error)),
    );
    await deps.clock.sleep(deps.backoff.nextMs(), signal).catch(() => {});
  }
}

/** Resolves when the link that was up has ended; rejects when it did not come up. */
function dialOnce(
  target: string,
  neighbour: string,
  { identity, events, backoff }: DialDeps,
  signal: AbortSignal,
): Promise<void> {
  const credentials = mutualTlsClient(identity, "mesh-node", neighbour);
  const client = createClient(MeshLinkService, target, credentials, {
    ...GRPC_LIMITS,
    ...TLS_CHANNEL_OPTIONS,
  });
  const stream = client.link();
  return new Promise<void>((resolve, reject) => {
    const stop = () => stream.cancel();
    signal.addEventListener("abort", stop, { once: true });
    const link = linkOver(stream, neighbour, KEY_EXCHANGE, stop);
    let isUp = false;
    const finish = (settle: () => void) => {
      signal.removeEventListener("abort", stop);
      client[Symbol.dispose]();
      settle();
    };
    stream.on("error", (error) => {
      if (!isUp) finish(() => reject(error));
    });
    // The other end speaks first: then TLS, the certificate and the service are known to be right.
    stream.once("data", (frame: Frame) => {
      isUp = true;
      backoff.reset();
      events.up(link);
      events.frame(link, frame);
      watch(stream, link, events, () => finish(resolve));
    });
    stream.once("end", () => {
      if (!isUp) finish(() => reject(new Error(`${neighbour} closed the link at once`)));
    });
  });
}

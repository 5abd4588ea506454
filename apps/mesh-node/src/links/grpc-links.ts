/** Links as gRPC streams under mutual TLS 1.3. One end dials, the other accepts; both know the other by its certificate. */

import type { EventEmitter } from "node:events";

import { create } from "@bufbuild/protobuf";
import type { Frame } from "@glassline/proto/mesh";
import { FrameSchema, MeshLinkService } from "@glassline/proto/mesh";
import { RpcError } from "@glassline/proto/errors";
import type { Implementation } from "@glassline/proto/rpc";
import { createClient, grpcStatus } from "@glassline/proto/rpc";
import { GRPC_LIMITS } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import {
  KEY_EXCHANGE,
  TLS_CHANNEL_OPTIONS,
  mutualTlsClient,
  requirePeer,
} from "@glassline/service/tls";

import type { DialOnce } from "./keep-link.ts";
import type { FrameInit, Link, LinkEvents } from "./link.ts";

/** Frames of data that may wait for a slow neighbour; more are dropped and counted by the caller. */
export const QUEUE_MAX_FRAMES = 1_024;

/** What both ends of a gRPC stream of frames have in common. */
type FrameStream = EventEmitter & {
  readonly writable: boolean;
  readonly writableLength: number;
  write(frame: Frame): boolean;
  end(): unknown;
};

/** @param opening the first frame of the neighbour. Throws RpcError when it is none. */
function linkOver(
  stream: FrameStream,
  neighbour: string,
  { frame: opening }: Frame,
  close: (reason: string) => void,
): Link {
  if (opening.case !== "open")
    throw new RpcError(
      "failed_precondition",
      `first frame on a link: got ${opening.case ?? "none"}, expected open`,
    );
  return {
    neighbour,
    incarnation: opening.value.incarnation,
    transport: "grpc",
    keyExchange: KEY_EXCHANGE,
    keySource: "tls",
    send: (frame: FrameInit) => {
      const most = frame.frame?.case === "data" ? QUEUE_MAX_FRAMES : 2 * QUEUE_MAX_FRAMES;
      if (!stream.writable || stream.writableLength >= most) return false;
      stream.write(create(FrameSchema, frame));
      return true;
    },
    close,
  };
}

const open = (incarnation: bigint): Frame =>
  create(FrameSchema, { frame: { case: "open", value: { incarnation } } });

/** The accepting end. @param incarnation of this node. */
export function acceptLinks(
  events: LinkEvents,
  incarnation: bigint,
): Implementation<typeof MeshLinkService> {
  return {
    link: (stream) =>
      orRefuse(stream, () => {
        const { instance } = requirePeer(stream, ["mesh-node"]);
        stream.once("data", (opening: Frame) =>
          orRefuse(stream, () => {
            const link = linkOver(stream, instance, opening, () => stream.end());
            watch(stream, link, events);
            events.up(link);
          }),
        );
        stream.once("end", () => stream.end());
        stream.write(open(incarnation));
      }),
  };
}

function orRefuse(stream: EventEmitter, act: () => void): void {
  try {
    act();
  } catch (error) {
    stream.emit("error", grpcStatus(error));
  }
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
  /** Of this node. */
  incarnation: bigint;
  events: LinkEvents;
}

/** The dialling end. */
export function grpcDialler({ identity, incarnation, events }: DialDeps): DialOnce {
  return ({ name: neighbour, host, port }, { signal, until, renew, ended }) => {
    const credentials = mutualTlsClient(identity, "mesh-node", neighbour);
    const client = createClient(MeshLinkService, `${host}:${port}`, credentials, {
      ...GRPC_LIMITS,
      ...TLS_CHANNEL_OPTIONS,
    });
    const stream = client.link();
    return new Promise<void>((resolve, reject) => {
      const stop = () => stream.cancel();
      const giveUp = () => isUp || stop();
      signal.addEventListener("abort", stop, { once: true });
      until.addEventListener("abort", giveUp, { once: true });
      let isUp = false;
      const finish = (settle: () => void) => {
        signal.removeEventListener("abort", stop);
        until.removeEventListener("abort", giveUp);
        client[Symbol.dispose]();
        settle();
      };
      stream.on("error", (error) => {
        if (!isUp) finish(() => reject(error));
      });
      // TLS, the certificate and the service are known to be right then.
      stream.once("data", (opening: Frame) => {
        try {
          const link = { ...linkOver(stream, neighbour, opening, stop), renew };
          isUp = true;
          events.up(link);
          watch(stream, link, events, () => finish(ended));
          resolve();
        } catch (error) {
          stop();
          finish(() => reject(error));
        }
      });
      stream.write(open(incarnation));
      stream.once("end", () => {
        if (!isUp) finish(() => reject(new Error(`${neighbour} closed the link at once`)));
      });
    });
  };
}

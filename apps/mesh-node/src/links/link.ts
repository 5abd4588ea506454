/** A link to a neighbour, as the router sees it. Adapters: grpc-links.ts; in memory for tests: memory-links.testing.ts. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Frame, FrameSchema } from "@glassline/proto/mesh";

export type FrameInit = MessageInitShape<typeof FrameSchema>;

export interface Link {
  readonly neighbour: string;
  /** Of the neighbour: another one when it has started anew. */
  readonly incarnation: bigint;
  /** What it runs over. */
  readonly transport: "grpc" | "udp" | "tcp";
  /** TLS group of the key exchange; empty where it is not known. */
  readonly keyExchange: string;
  /** What its keys are made of: "tls" or "x-wing"; with a QKD key as well, "qkd" or "sim". */
  readonly keySource: string;
  /** Of a link that makes its keys itself: how many times it has got new ones, and when that was. */
  readonly keyEpoch?: number;
  readonly keyAgeMs?: number;
  /** Share of wrong bits of the quantum link below it; undefined: nobody says. */
  readonly qber?: number | undefined;
  /** Of a link with one-time pads, the bytes that it still has to send with. */
  readonly padBytes?: number | undefined;
  /** False when the link has too much waiting or is closed: the frame is dropped. All but data may wait twice as long. */
  send(frame: FrameInit): boolean;
  /** Data that is encoded already, and the link's from now on; as `send`. Undefined: the link cannot. @param flow whose it is: flows take turns. */
  forward?(flow: string, frame: Buffer): boolean;
  close(reason: string): void;
  /**
   * At the dialling end only: makes another connection, with keys of its own, that takes the place of this one. Resolves when it is up;
   * rejects when it does not come up, and this one goes on.
   */
  renew?(): Promise<void>;
}

/** The router's side: told in order up, frames, down; exactly one down after an up. */
export interface LinkEvents {
  up(link: Link): void;
  frame(link: Link, frame: Frame): void;
  /** A frame before it is decoded. @returns whether that is done with it. */
  transit?(link: Link, frame: Buffer): boolean;
  down(link: Link, reason: string): void;
  /** Of a link that knows it: something came from the neighbour, whatever it was; something was sent to it. */
  alive?(link: Link): void;
  spoke?(link: Link): void;
  /** So long there are keys, and one-time pads, for it, in seconds; Infinity: it does not matter. */
  keys?(link: Link, left: { keysLastS: number; padsLastS: number }): void;
  /** Of a link that knows it: data that it does not bring; after `down`, which the neighbour may have all the same. */
  undelivered?(link: Link, frame: Frame): void;
}

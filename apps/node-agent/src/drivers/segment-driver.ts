/** How a machine gets its segments: a port. */
import type { SegmentWish } from "../core/segment-wish.ts";

/** A segment after a pass. */
export interface SegmentReport {
  name: string;
  /** It is there, has its address and can be used. */
  isUp: boolean;
  /** What is not as wished; empty: nothing. */
  problem: string;
  /** Bytes; 0: it is not there. */
  mtu: number;
  /** Packets of others than its peers are dropped. */
  isPeersOnly: boolean;
}

/** A VXLAN interface that somebody else made. */
export interface ForeignTunnel {
  vni: number;
  interface: string;
}

export interface Pass {
  /** One of each wish, in their order. */
  segments: readonly SegmentReport[];
  /** Segments that are not wished and still there; without a problem: because they are in use. */
  leftovers: readonly { name: string; problem: string }[];
  foreignTunnels: readonly ForeignTunnel[];
  /** Commands that were to change something. 0: all was as wished. */
  changes: number;
}

export interface SegmentDriver {
  /** Why this machine can have no segments. */
  readonly refusal?: string;
  /**
   * Brings the machine's segments to what is wished, whatever is there, and looks whether it is so.
   * @param inUse names of segments that edges use: they stay until that ends, also when they are not wished.
   * Rejects when the machine cannot be looked at.
   */
  apply(wishes: readonly SegmentWish[], inUse: ReadonlySet<string>): Promise<Pass>;
  /** Without a pass. Rejects when the machine cannot be looked at. */
  foreignTunnels(): Promise<readonly ForeignTunnel[]>;
}

/** What both ends of a quantum link have in common. */
import type { Remark } from "@glassline/proto/kme";
import { Share } from "@glassline/proto/kme";

import { PAD_BYTES } from "./transcript.ts";

export interface LinkEnd {
  /** The light is halves of entangled pairs; undefined: that is not known. */
  readonly isEntangled: boolean | undefined;
  /** Throws LinkProblem or RangeError: the link is given up. */
  hear: (remark: Remark) => void;
}

/** Of a block. */
export interface Outcome {
  /** Share of wrong bits; undefined: the ends still differed. */
  qber: number | undefined;
  /** For the tags of the next block; undefined: there is no key. */
  pads: Uint8Array | undefined;
  /** Which the sender's, and which the receiver's key manager gives away; one of them may be empty. */
  halves: { sender: Uint8Array; receiver: Uint8Array } | undefined;
}

/** A block with less than this gives no key: the tags would need all of it. */
const LEAST_BYTES = 2 * PAD_BYTES;

export function splitSecret(
  secret: Uint8Array | undefined,
  share: Share,
): Pick<Outcome, "pads" | "halves"> {
  // The last byte may not be a whole one.
  const whole = (secret?.length ?? 0) - 1;
  if (!secret || whole < LEAST_BYTES) return { pads: undefined, halves: undefined };
  const middle = endOfSender(share, whole);
  const halves = {
    sender: secret.slice(PAD_BYTES, middle),
    receiver: secret.slice(middle, whole),
  };
  return { pads: secret.slice(0, PAD_BYTES), halves };
}

/** Behind the pads. */
function endOfSender(share: Share, whole: number): number {
  if (share === Share.SENDER) return whole;
  return share === Share.RECEIVER ? PAD_BYTES : Math.floor((PAD_BYTES + whole) / 2);
}

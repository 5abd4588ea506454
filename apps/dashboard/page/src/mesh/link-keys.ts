/** What protects a link, in words. */
import type { LinkStatus } from "@glassline/proto/mesh";

import { compact } from "../format/quantity.ts";

const QUANTUM_KEYS: Readonly<Record<string, string>> = {
  qkd: "QKD",
  sim: "simulated QKD",
};
/** What lasts longer is not scarce. */
const SCARCE_S = 600;

type Keys = Pick<
  LinkStatus,
  "keyExchange" | "keySource" | "qber" | "padBytes" | "keysLastS" | "padsLastS"
>;

/** Empty where it is not known at this end. */
export function keysOf(link: Keys): string {
  const { keyExchange, keySource, qber, padBytes } = link;
  const lastS = Math.min(link.keysLastS ?? Infinity, link.padsLastS ?? Infinity);
  return [
    keyExchange,
    QUANTUM_KEYS[keySource],
    padBytes === undefined ? undefined : `one-time pads (${compact(Number(padBytes))} B left)`,
    qber === undefined ? undefined : `QBER ${(100 * qber).toFixed(1)} %`,
    lastS < SCARCE_S ? `lasts ${Math.round(lastS)} s` : undefined,
  ]
    .filter((one) => one !== undefined && one !== "")
    .join(", ");
}

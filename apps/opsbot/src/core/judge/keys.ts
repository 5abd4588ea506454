/** How old the keys of a link are, and whether somebody listens where they are made. Pure. */
import type { LinkStatus } from "@glassline/proto/mesh";

import type { Limits } from "../range.ts";
import { stateOf, upTo } from "../range.ts";
import type { Verdict } from "../verdict.ts";

const DAY_MS = 86_400_000;
const DAYS = 7;
const DAY_S = 86_400;
const MS_NANO = 1_000_000n;
/** So many wrong bits leave no key (Shor and Preskill 2000); who measures each photon makes a quarter of them wrong. */
const QBER: Limits = { critical: upTo(0.11) };

type Told = "neighbour" | "up" | "dialled" | "upSinceUnixNano" | "keyExchange";
type Link = Pick<LinkStatus, Told> & Partial<Pick<LinkStatus, "keyAgeS" | "qber">>;

/** Links that came up together do not get new keys together: each has its own moment within a day. */
export function keyLimits(link: string): Limits {
  // FNV-1a, and a multiplication that spreads what differs in its last letter alone.
  const hash = [...link].reduce(
    (all, letter) => Math.imul(all ^ letter.codePointAt(0)!, 0x01000193),
    0x811c9dc5,
  );
  const share = (Math.imul(hash, 0x9e3779b1) >>> 0) / 2 ** 32;
  return { critical: upTo(DAYS + share) };
}

/** Of the end that dials. @param name of the link: "node-1/node-2". @param limits days. @returns undefined: the other end tells. */
export function judgeKeys(
  name: string,
  { up, dialled, upSinceUnixNano, keyExchange, keyAgeS, qber }: Link,
  nowMs: number,
  limits: Limits = keyLimits(name),
): Verdict | undefined {
  if (!dialled) return undefined;
  if (!up) return { state: "unknown", output: "the link is down" };
  const sinceUpMs = Math.max(0, nowMs - Number(upSinceUnixNano / MS_NANO));
  const value = keyAgeS === undefined ? sinceUpMs / DAY_MS : keyAgeS / DAY_S;
  const age = { label: "key_age", value, unit: "", limits, min: 0 } as const;
  const output = `its keys are ${value.toFixed(1)} days old${keyExchange && `, by ${keyExchange}`}`;
  if (qber === undefined) return { state: stateOf(value, limits), output, measures: [age] };
  const isHeard = stateOf(qber, QBER) === "critical";
  const wrong = `${(100 * qber).toFixed(1)} % of the bits of its quantum link are wrong`;
  return {
    state: isHeard ? "critical" : stateOf(value, limits),
    output: isHeard ? `somebody listens: ${wrong}` : output,
    measures: [age, { label: "qber", value: qber, unit: "", limits: QBER, min: 0 }],
  };
}

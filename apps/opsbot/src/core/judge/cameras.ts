/** How many cameras are not heard. Pure. */
import type { Limits } from "../range.ts";
import { upTo, stateOf } from "../range.ts";
import type { Verdict } from "../verdict.ts";
import { counted } from "../words.ts";

/** Percent of all cameras. */
export const SILENCE: Limits = { warning: upTo(0), critical: upTo(10) };
const NAMES_SHOWN = 5;

export function judgeSilence(
  silent: readonly string[],
  cameras: number,
  limits: Limits = SILENCE,
): Verdict {
  const names =
    silent.slice(0, NAMES_SHOWN).join(", ") + (silent.length > NAMES_SHOWN ? ", ..." : "");
  const share = cameras === 0 ? 0 : (100 * silent.length) / cameras;
  return {
    state: stateOf(share, limits),
    output:
      silent.length === 0
        ? `${counted(cameras, "camera")} heard, none silent`
        : `${silent.length} of ${counted(cameras, "camera")} silent: ${names}`,
    measures: [
      { label: "silent", value: silent.length, unit: "", min: 0, max: cameras },
      { label: "silent_share", value: share, unit: "%", limits, min: 0, max: 100 },
    ],
    details: silent,
  };
}

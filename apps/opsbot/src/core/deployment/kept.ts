/** What a channel keeps while something else of it is tried, and when that is taken back. Pure. */
import type { Kept } from "./layout.ts";

/**
 * Who asks for a channel knows which machines there are: nothing stands in for another one any more.
 * @param wasLive what it keeps is of something that was live.
 */
export function askedAnew({ live, ...now }: Kept, wasLive: boolean): Kept {
  return { ...now, substitutes: {}, away: [], ...(wasLive && { live: live ?? now }) };
}

/** It is live: there is nothing else to come back to. */
export function asLive(kept: Kept): Kept {
  const now = { ...kept };
  delete now.live;
  return now;
}

/** As it was when it was live the last time; what has died since is away still. */
export function asBefore({ live, ...now }: Kept): Kept {
  if (!live) return now;
  return {
    ...live,
    substitutes: { ...live.substitutes, ...now.substitutes },
    away: [...new Set([...live.away, ...now.away])],
    administration: { ...now.administration, ...live.administration },
    owners: now.owners,
    overlayMachines: now.overlayMachines,
  };
}

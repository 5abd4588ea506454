/** The one thing that is simulated: what becomes of photons between a sender and a receiver, by lot. */
import { transmittance } from "../physics/fibre.ts";
import type { DecoyLink } from "../physics/decoy-bb84.ts";
import type { Random } from "@glassline/service/random";

import type { MeanPhotons, Pulses } from "./pulses.ts";
import { STRENGTHS } from "./pulses.ts";

/** Of pulses of which at least one photon will make a detector click: which, and their states. */
export interface Arrived {
  pulses: Uint32Array;
  /** Bit 0 the bit, bit 1 the basis. */
  states: Uint8Array;
}

export interface Clicks {
  /** Ascending. */
  pulses: Uint32Array;
  bases: Uint8Array;
  bits: Uint8Array;
}

/** Which of them arrive. The receiver's efficiency is part of it: what its detectors do not see might as well be lost. */
export function arriving(
  pulses: Pulses,
  means: MeanPhotons,
  link: Pick<DecoyLink, "lengthKm" | "dbPerKm" | "receiverEfficiency">,
  random: Random,
): Arrived {
  const eta = transmittance(link.lengthKm, link.dbPerKm) * link.receiverEfficiency;
  const chances = STRENGTHS.map((strength) => -Math.expm1(-eta * means[strength]));
  const found: number[] = [];
  for (let pulse = 0; pulse < pulses.count; pulse++)
    if (random() < chances[pulses.strengthOf(pulse)]!) found.push(pulse);
  return {
    pulses: Uint32Array.from(found),
    states: Uint8Array.from(found, (pulse) => pulses.stateOf(pulse)),
  };
}

/** Somebody measures a share of the photons in bases of his own, and sends on what he has seen. */
export function intercepted({ pulses, states }: Arrived, share: number, random: Random): Arrived {
  const resent = states.map((state) => {
    if (random() >= share) return state;
    return measured(state, lot(random), 0, random);
  });
  return { pulses, states: resent };
}

/** What detectors make of them, and of nothing: dark counts come at any pulse, with any bit. Two clicks at once are one of any bit. */
export function detected(
  { pulses, states }: Arrived,
  sent: number,
  { darkCount, misalignment }: Pick<DecoyLink, "darkCount" | "misalignment">,
  random: Random,
): Clicks {
  const clicks = new Map<number, number>();
  for (const [at, pulse] of pulses.entries())
    clicks.set(pulse, measured(states[at]!, lot(random), misalignment, random));
  for (const pulse of byChance(sent, darkCount, random))
    clicks.set(pulse, lot(random) | ((clicks.get(pulse) ?? 2 * lot(random)) & 2));
  const all = Uint32Array.from(clicks.keys()).sort();
  return {
    pulses: all,
    bases: Uint8Array.from(all, (pulse) => clicks.get(pulse)! >>> 1),
    bits: Uint8Array.from(all, (pulse) => clicks.get(pulse)! & 1),
  };
}

const lot = (random: Random): number => (random() < 0.5 ? 0 : 1);

/** A state after it was measured in a basis: in the other one the bit is any. */
function measured(state: number, basis: number, misalignment: number, random: Random): number {
  const isSame = state >>> 1 === basis;
  const bit = isSame ? (state & 1) ^ (random() < misalignment ? 1 : 0) : lot(random);
  return bit | (basis << 1);
}

/** Numbers below `count`, each with the same small chance: the gaps between them are drawn, not each of them. */
function* byChance(count: number, chance: number, random: Random): Generator<number> {
  if (chance <= 0) return;
  const perGap = 1 / Math.log1p(-chance);
  for (let at = -1; ;) {
    at += 1 + Math.floor(Math.log(1 - random()) * perGap);
    if (at >= count) return;
    yield at;
  }
}

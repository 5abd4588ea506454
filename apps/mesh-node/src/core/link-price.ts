/**
 * What a link costs: a hop, its round trip, its loss, and the scarcity of its keys. Additive, above zero, in steps, and sticky, so that Babel's
 * distances hold and jitter does not move routes. Pure.
 */
import type { LinkMonitor } from "./link-monitor.ts";
import { INFINITE_METRIC } from "./routing/distance.ts";

/** @returns above 0; INFINITE_METRIC: nothing goes over it. */
export type LinkPrice = (monitor: LinkMonitor, neighbour: string) => number;

/** What a price is made of. */
export interface Quality {
  /** The least of the latest ones: load does not move routes, which would move the load. */
  leastRttMs: number;
  lossShare: number;
  /** The shorter of what both ends know. */
  keysLastS: number;
  padsLastS: number;
}

const HOP_COST = 100;
const STEP_COST = 25;
const STEP_MS = 5;
/** Of -ln(1 - loss), which adds up along a way as logarithms of probabilities do: a link that loses a tenth costs 21. */
const LOSS_COST = 200;
/** Keys that last so long are not scarce; those that last shorter than the other one are a reserve, with which the link ends in good order. */
export const KEYS_AMPLE_S = 600;
export const KEYS_RESERVE_S = 20;

export const linkPrice: LinkPrice = (monitor) => {
  const { leastRttMs, lossShare, keysLastS, padsLastS } = qualityOf(monitor);
  if (keysLastS < KEYS_RESERVE_S) return INFINITE_METRIC;
  const lossSteps = Math.floor((LOSS_COST * -Math.log(1 - lossShare)) / STEP_COST);
  const steps =
    Math.floor(leastRttMs / STEP_MS) + lossSteps + scarcitySteps(Math.min(keysLastS, padsLastS));
  return HOP_COST + STEP_COST * steps;
};

/** Messages wait for pads: without them a link is the last that is taken, and taken where there is no other one. */
const PADS_LEAST_S = 1;

/** Convex: a day more or less is nothing, the last minutes cost more than ways around. */
const scarcitySteps = (keysLastS: number): number =>
  Math.max(0, Math.floor(KEYS_AMPLE_S / keysLastS) - 1);

export function qualityOf(monitor: LinkMonitor): Quality {
  const { roundTripsMs, lossShare } = monitor;
  const leastRttMs = roundTripsMs.length === 0 ? 0 : Math.min(...roundTripsMs);
  const keysLastS = Math.min(monitor.keysLastS, monitor.theirKeysLastS);
  const padsLastS = Math.max(PADS_LEAST_S, Math.min(monitor.padsLastS, monitor.theirPadsLastS));
  return { leastRttMs, lossShare, keysLastS, padsLastS };
}

/** A link is priced anew when its round trip has changed by this much at least, and by this share. */
const MOVED_MS = 2.5;
const MOVED_SHARE = 0.25;
const MOVED_LOSS_SHARE = 0.05;
const MOVED_KEYS_SHARE = 0.2;

/** Whether a link shall be priced anew: jitter does not move routes, also not at the edge of a step. @param priced what it was priced from. */
export function hasMoved(priced: Quality, now: Quality): boolean {
  const movedMs = Math.abs(now.leastRttMs - priced.leastRttMs);
  return (
    (movedMs >= MOVED_MS && movedMs >= MOVED_SHARE * priced.leastRttMs) ||
    Math.abs(now.lossShare - priced.lossShare) >= MOVED_LOSS_SHARE ||
    priced.keysLastS < KEYS_RESERVE_S !== now.keysLastS < KEYS_RESERVE_S ||
    haveKeysMoved(priced.keysLastS, now.keysLastS) ||
    haveKeysMoved(priced.padsLastS, now.padsLastS)
  );
}

function haveKeysMoved(pricedS: number, nowS: number): boolean {
  if (pricedS >= KEYS_AMPLE_S && nowS >= KEYS_AMPLE_S) return false;
  return nowS !== pricedS && !(Math.abs(nowS - pricedS) < MOVED_KEYS_SHARE * pricedS);
}

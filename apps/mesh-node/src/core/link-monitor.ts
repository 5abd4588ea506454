/** How far away a neighbour is, from hellos, and what the link to it costs. Pure. */

export interface LinkMonitor {
  readonly nextSeq: number;
  /** When our latest hellos were sent, by sequence number. */
  readonly sentMs: ReadonlyMap<number, number>;
  /** The neighbour's last hello and when it came. */
  readonly echoSeq: number;
  readonly echoHeardMs: number;
  /** Smoothed round trip; undefined before the first echo. */
  readonly rttMs: number | undefined;
}

export interface HelloFields {
  seq: number;
  echoSeq: number;
  echoDelayUs: number;
}

const HELLOS_REMEMBERED = 16;
/** Weight of a new measurement (RFC 6298 section 2). */
const SMOOTHING = 0.125;

export function newLinkMonitor(nowMs: number): LinkMonitor {
  return {
    nextSeq: 1,
    sentMs: new Map(),
    echoSeq: 0,
    echoHeardMs: nowMs,
    rttMs: undefined,
  };
}

export function makeHello(
  monitor: LinkMonitor,
  nowMs: number,
): { monitor: LinkMonitor; hello: HelloFields } {
  const seq = monitor.nextSeq;
  const sentMs = new Map([...monitor.sentMs, [seq, nowMs] as const].slice(-HELLOS_REMEMBERED));
  const echoDelayUs = Math.round((nowMs - monitor.echoHeardMs) * 1_000);
  return {
    monitor: { ...monitor, nextSeq: seq + 1, sentMs },
    hello: { seq, echoSeq: monitor.echoSeq, echoDelayUs },
  };
}

export function hearHello(monitor: LinkMonitor, hello: HelloFields, nowMs: number): LinkMonitor {
  const sentMs = monitor.sentMs.get(hello.echoSeq);
  const measuredMs =
    sentMs === undefined ? undefined : Math.max(0, nowMs - sentMs - hello.echoDelayUs / 1_000);
  return {
    ...monitor,
    echoSeq: hello.seq,
    echoHeardMs: nowMs,
    rttMs: smooth(monitor.rttMs, measuredMs),
  };
}

function smooth(
  previousMs: number | undefined,
  measuredMs: number | undefined,
): number | undefined {
  if (measuredMs === undefined || previousMs === undefined) return measuredMs ?? previousMs;
  return previousMs + SMOOTHING * (measuredMs - previousMs);
}

/** What a link costs. A later price (loss, key scarcity) takes its place behind the same type. */
export type LinkPrice = (monitor: LinkMonitor, neighbour: string) => number;

const HOP_COST = 100;
const STEP_MS = 5;
const STEP_COST = 25;

/** A hop plus the round trip in steps of 5 ms, so that jitter does not move routes. */
export const roundTripPrice: LinkPrice = ({ rttMs }) =>
  HOP_COST + Math.floor((rttMs ?? 0) / STEP_MS) * STEP_COST;

/** A cost is computed anew when the round trip has changed by this much at least, and by this share. */
const MOVED_MS = 2.5;
const MOVED_SHARE = 0.25;

/** Whether a link shall be priced anew: jitter does not move routes, also not at the edge of a step. */
export function hasMoved(pricedMs: number | undefined, rttMs: number | undefined): boolean {
  if (pricedMs === undefined || rttMs === undefined) return pricedMs !== rttMs;
  const movedMs = Math.abs(rttMs - pricedMs);
  return movedMs >= MOVED_MS && movedMs >= MOVED_SHARE * pricedMs;
}

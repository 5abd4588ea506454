/** What a node knows of the link to a neighbour, from hellos: round trip, loss, and how long its keys last. Pure. */

export interface LinkMonitor {
  readonly nextSeq: number;
  /** When our latest hellos were sent, by sequence number. */
  readonly sentMs: ReadonlyMap<number, number>;
  /** The neighbour's last hello and when it came. */
  readonly echoSeq: number;
  readonly echoHeardMs: number;
  /** Smoothed round trip; undefined before the first echo. */
  readonly rttMs: number | undefined;
  /** The latest ones as they were measured. The least of them is that of the way itself: queues and busy processors only add to it. */
  readonly roundTripsMs: readonly number[];
  /** Of the neighbour's hellos, those that did not come; smoothed. */
  readonly lossShare: number;
  /** For how long, without new ones, there are keys for the link: as this end knows it, and as the other end says. Infinity: it does not matter. */
  readonly keysLastS: number;
  readonly theirKeysLastS: number;
  /** The same of one-time pads. */
  readonly padsLastS: number;
  readonly theirPadsLastS: number;
}

export interface HelloFields {
  seq: number;
  echoSeq: number;
  echoDelayUs: number;
  /** Infinity: it does not matter. */
  keysLastS: number;
  padsLastS: number;
}

const HELLOS_REMEMBERED = 16;
const ROUND_TRIPS_REMEMBERED = 8;
/** Weight of a new measurement (RFC 6298 section 2). */
const SMOOTHING = 0.125;
/** Of one hello. */
const LOSS_SMOOTHING = 1 / 16;
/** A longer gap is not one of loss: the neighbour began anew. */
const GAP_MAX = 64;
/** Nothing is said of keys that last longer. */
const KEYS_SAID_MAX_S = 3_600;

export function newLinkMonitor(nowMs: number): LinkMonitor {
  return {
    nextSeq: 1,
    sentMs: new Map(),
    echoSeq: 0,
    echoHeardMs: nowMs,
    rttMs: undefined,
    roundTripsMs: [],
    lossShare: 0,
    keysLastS: Infinity,
    theirKeysLastS: Infinity,
    padsLastS: Infinity,
    theirPadsLastS: Infinity,
  };
}

export function makeHello(
  monitor: LinkMonitor,
  nowMs: number,
): { monitor: LinkMonitor; hello: HelloFields } {
  const seq = monitor.nextSeq;
  const sentMs = new Map([...monitor.sentMs, [seq, nowMs] as const].slice(-HELLOS_REMEMBERED));
  const echoDelayUs = Math.round((nowMs - monitor.echoHeardMs) * 1_000);
  const [keysLastS, padsLastS] = [said(monitor.keysLastS), said(monitor.padsLastS)];
  return {
    monitor: { ...monitor, nextSeq: seq + 1, sentMs },
    hello: { seq, echoSeq: monitor.echoSeq, echoDelayUs, keysLastS, padsLastS },
  };
}

const said = (lastS: number): number => (lastS <= KEYS_SAID_MAX_S ? lastS : Infinity);

export function hearHello(monitor: LinkMonitor, hello: HelloFields, nowMs: number): LinkMonitor {
  const sentMs = monitor.sentMs.get(hello.echoSeq);
  const measuredMs =
    sentMs === undefined ? undefined : Math.max(0, nowMs - sentMs - hello.echoDelayUs / 1_000);
  return {
    ...monitor,
    echoSeq: hello.seq,
    echoHeardMs: nowMs,
    rttMs: smooth(monitor.rttMs, measuredMs),
    roundTripsMs: latest(monitor.roundTripsMs, measuredMs),
    lossShare: lossOf(monitor, hello.seq),
    theirKeysLastS: hello.keysLastS,
    theirPadsLastS: hello.padsLastS,
  };
}

function latest(roundTripsMs: readonly number[], measuredMs: number | undefined) {
  if (measuredMs === undefined) return roundTripsMs;
  return [...roundTripsMs, measuredMs].slice(-ROUND_TRIPS_REMEMBERED);
}

function smooth(
  previousMs: number | undefined,
  measuredMs: number | undefined,
): number | undefined {
  if (measuredMs === undefined || previousMs === undefined) return measuredMs ?? previousMs;
  return previousMs + SMOOTHING * (measuredMs - previousMs);
}

function lossOf({ echoSeq, lossShare }: LinkMonitor, seq: number): number {
  const lost = seq - echoSeq - 1;
  const kept = (1 - lossShare) * (1 - LOSS_SMOOTHING) ** Math.max(0, lost);
  if (echoSeq === 0 || lost < 0 || lost > GAP_MAX) return lossShare;
  return (1 - kept) * (1 - LOSS_SMOOTHING);
}

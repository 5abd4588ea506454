/**
 * Whether neighbours live. A link in use is never silent for long: whoever has nothing to send says hello. Who is silent is suspected: it is asked
 * at once, and so are others, who look at their own links to it (as SWIM's indirect probes: Das, Gupta and Motivala 2002); it is dead when it stays
 * silent, later when somebody vouches for it, and later still when it was taken for dead before and was not (as Lifeguard: Dadgar and others 2017).
 * Time in which this node itself stood still is nobody's silence. Pure; its own state only.
 */

export type LivenessAction =
  /** @prop isUrgent the other end shall answer at once. */
  | { type: "hello"; to: string; isUrgent: boolean }
  /** Others shall look at their links to it. */
  | { type: "suspect"; neighbour: string }
  | { type: "dead"; neighbour: string; silentMs: number };

interface Pulse {
  /** Silence counts from here: when it was heard last, or when the link came into use. */
  quietSinceMs: number;
  /** When a frame was sent to it last. */
  sentMs: number;
  helloMs: number;
  /** When data went over the link last. */
  usedMs: number;
  /** Round trip. */
  rttMs: number;
  suspectedMs: number | undefined;
  /** From the suspicion to the end, beside two round trips. */
  graceMs: number;
  isVouchedFor: boolean;
  isOwingAnswer: boolean;
}

interface Doubt {
  /** What its times are multiplied with. */
  patience: number;
  /** When that was so. */
  sinceMs: number;
  isDead: boolean;
}

/** A link on which data went within this time is in use. */
const IN_USE_MS = 2_000;
/** On a link in use something is sent at least so often. */
export const BUSY_HELLO_MS = 150;
/** A hello at least so often, also among data: round trips are measured with it. */
const MEASURE_MS = 1_000;
export const IDLE_HELLO_MS = 2_500;
const SUSPECT_MS = 240;
const SUSPECT_IDLE_MS = 2.2 * IDLE_HELLO_MS;
const GRACE_MS = 120;
/** For a link that was idle: nobody has begun to look for another way. */
const FIRST_USE_GRACE_MS = 240;
/** It came back within this time: it was not dead. */
const FALSE_ALARM_MS = 10_000;
const PATIENCE_MAX = 8;
/** After so long, half the patience is enough. */
const CALM_MS = 60_000;
/** A step that comes later than this after it was due: this node stood still. */
const LATE_MS = 30;

export class Liveness {
  readonly #pulses = new Map<string, Pulse>();
  readonly #doubts = new Map<string, Doubt>();
  #dueMs = Infinity;

  /** @param isAnother it has started anew. */
  up(neighbour: string, isAnother: boolean, nowMs: number): void {
    const { sinceMs, isDead } = this.#doubts.get(neighbour) ?? { sinceMs: 0, isDead: false };
    const isFalseAlarm = isDead && !isAnother && nowMs - sinceMs < FALSE_ALARM_MS;
    this.#doubt(neighbour, isFalseAlarm ? 2 : 1, false, nowMs);
    this.#pulses.set(neighbour, {
      quietSinceMs: nowMs,
      sentMs: nowMs,
      helloMs: -Infinity,
      usedMs: -Infinity,
      rttMs: 0,
      suspectedMs: undefined,
      graceMs: GRACE_MS,
      isVouchedFor: false,
      isOwingAnswer: false,
    });
    this.#dueMs = nowMs;
  }

  down(neighbour: string): void {
    this.#pulses.delete(neighbour);
  }

  sent(neighbour: string, isData: boolean, nowMs: number): void {
    const pulse = this.#pulses.get(neighbour);
    if (!pulse) return;
    pulse.sentMs = nowMs;
    if (!isData) return;
    const wasIdle = nowMs - pulse.usedMs >= IN_USE_MS;
    this.#use(pulse, nowMs);
    // An idle link may be dead for seconds before that is noticed: whoever is about to rely on it makes sure.
    if (wasIdle && nowMs - pulse.quietSinceMs >= BUSY_HELLO_MS)
      this.#suspect(pulse, FIRST_USE_GRACE_MS, nowMs);
  }

  /** The round trip: an answer can take so long. */
  measured(neighbour: string, rttMs: number): void {
    const pulse = this.#pulses.get(neighbour);
    if (pulse) pulse.rttMs = rttMs;
  }

  heard(neighbour: string, isData: boolean, nowMs: number): void {
    const pulse = this.#pulses.get(neighbour);
    if (!pulse) return;
    if (isData) this.#use(pulse, nowMs);
    pulse.quietSinceMs = nowMs;
    pulse.suspectedMs = undefined;
    pulse.isVouchedFor = false;
  }

  /** It has asked for a hello at once. */
  owe(neighbour: string, nowMs: number): void {
    const pulse = this.#pulses.get(neighbour);
    if (pulse) pulse.isOwingAnswer = true;
    this.#dueMs = nowMs;
  }

  /** Somebody suspects it. @returns whether it was heard so lately that this node vouches for it; otherwise it has to show that it lives. */
  challenge(neighbour: string, nowMs: number): boolean {
    const pulse = this.#pulses.get(neighbour);
    if (!pulse) return false;
    if (nowMs - pulse.quietSinceMs < BUSY_HELLO_MS) return true;
    if (pulse.suspectedMs !== undefined) return false;
    this.#use(pulse, nowMs);
    this.#suspect(pulse, GRACE_MS, nowMs);
    return false;
  }

  #suspect(pulse: Pulse, graceMs: number, nowMs: number): void {
    pulse.suspectedMs = nowMs;
    pulse.graceMs = graceMs;
    pulse.isOwingAnswer = true;
    this.#dueMs = nowMs;
  }

  vouch(neighbour: string): void {
    const pulse = this.#pulses.get(neighbour);
    if (pulse?.suspectedMs !== undefined) pulse.isVouchedFor = true;
  }

  /** When `tick` has something to do. */
  get dueMs(): number {
    return this.#dueMs;
  }

  tick(nowMs: number): LivenessAction[] {
    if (nowMs < this.#dueMs) return [];
    this.#forgive(nowMs - this.#dueMs, nowMs);
    const actions: LivenessAction[] = [];
    for (const [neighbour, pulse] of this.#pulses) this.#look(neighbour, pulse, nowMs, actions);
    this.#dueMs = Infinity;
    for (const [neighbour, pulse] of this.#pulses)
      this.#dueMs = Math.min(
        this.#dueMs,
        this.#helloDueMs(pulse),
        this.#doubtDueMs(neighbour, pulse),
      );
    return actions;
  }

  #look(neighbour: string, pulse: Pulse, nowMs: number, actions: LivenessAction[]): void {
    if (nowMs >= this.#doubtDueMs(neighbour, pulse)) {
      if (pulse.suspectedMs !== undefined) {
        this.#bury(neighbour, nowMs);
        actions.push({ type: "dead", neighbour, silentMs: nowMs - pulse.quietSinceMs });
        return;
      }
      this.#suspect(pulse, GRACE_MS, nowMs);
      actions.push({ type: "suspect", neighbour });
    }
    if (!pulse.isOwingAnswer && nowMs < this.#helloDueMs(pulse)) return;
    actions.push({ type: "hello", to: neighbour, isUrgent: pulse.suspectedMs !== undefined });
    pulse.isOwingAnswer = false;
    pulse.helloMs = nowMs;
    pulse.sentMs = nowMs;
  }

  #bury(neighbour: string, nowMs: number): void {
    this.#pulses.delete(neighbour);
    this.#doubt(neighbour, 1, true, nowMs);
  }

  #use(pulse: Pulse, nowMs: number): void {
    // It was an idle one: what is due on it is due sooner now.
    if (nowMs - pulse.usedMs >= IN_USE_MS) this.#dueMs = Math.min(this.#dueMs, nowMs);
    pulse.usedMs = nowMs;
  }

  #helloDueMs({ sentMs, helloMs, usedMs }: Pulse): number {
    // What is not in use any more goes on for one interval as if it were.
    if (sentMs - usedMs < IN_USE_MS) return Math.min(sentMs + BUSY_HELLO_MS, helloMs + MEASURE_MS);
    return helloMs + IDLE_HELLO_MS;
  }

  /** When it is suspected; or, when it is already, taken for dead. */
  #doubtDueMs(neighbour: string, pulse: Pulse): number {
    const patience = this.#doubts.get(neighbour)?.patience ?? 1;
    const { quietSinceMs, suspectedMs, graceMs, usedMs, rttMs, isVouchedFor } = pulse;
    if (suspectedMs !== undefined)
      return suspectedMs + (graceMs + 2 * rttMs) * patience * (isVouchedFor ? 2 : 1);
    const busyMs = quietSinceMs + SUSPECT_MS * patience;
    return busyMs - usedMs < IN_USE_MS ? busyMs : quietSinceMs + SUSPECT_IDLE_MS;
  }

  #doubt(neighbour: string, factor: number, isDead: boolean, nowMs: number): void {
    const { patience, sinceMs } = this.#doubts.get(neighbour) ?? { patience: 1, sinceMs: nowMs };
    const calmed = patience / 2 ** Math.floor((nowMs - sinceMs) / CALM_MS);
    const next = Math.min(PATIENCE_MAX, Math.max(1, calmed) * factor);
    this.#doubts.set(neighbour, { patience: next, sinceMs: nowMs, isDead });
  }

  #forgive(lateMs: number, nowMs: number): void {
    if (lateMs < LATE_MS || lateMs === Infinity) return;
    for (const pulse of this.#pulses.values()) {
      pulse.quietSinceMs = Math.min(nowMs, pulse.quietSinceMs + lateMs);
      if (pulse.suspectedMs !== undefined)
        pulse.suspectedMs = Math.min(nowMs, pulse.suspectedMs + lateMs);
    }
  }
}

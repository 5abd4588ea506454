/** Targets that fail together: which of them are well, which alert, and whether so many began to at once that it is one fault. Pure but for its own memory. */
import type { GuardLimits, Place } from "./guard.ts";
import { isStorm } from "./guard.ts";

interface Storm {
  /** Alerts that began after it are of the storm. */
  sinceMs: number;
  /** When it ends, unless enough of them alert until then. */
  untilMs: number;
}

/** Targets of a domain that serve the same viewers. */
interface Peers {
  all: Set<string>;
  healthy: Set<string>;
  /** Of which nothing is known yet. */
  unseen: Set<string>;
}

/** All times by one clock that does not go back. */
export class FailureDomain {
  readonly #name: string;
  readonly #limits: Pick<GuardLimits, "storm">;
  /** By their channel; undefined: those of none. */
  readonly #peers = new Map<string | undefined, Peers>();
  /** Of the targets that have one. */
  readonly #channels = new Map<string, string>();
  /** When the problem of a target began. */
  readonly #alertingSinceMs = new Map<string, number>();
  #targets = 0;
  #storm: Storm | undefined;

  constructor(name: string, limits: Pick<GuardLimits, "storm">) {
    this.#name = name;
    this.#limits = limits;
  }

  /** @param channel whose viewers it serves; undefined: those of the others of the domain that have none. */
  add(target: string, channel: string | undefined, nowMs: number): void {
    this.#look(nowMs);
    this.#targets++;
    if (channel !== undefined) this.#channels.set(target, channel);
    const peers = this.#peersOf(target);
    peers.all.add(target);
    peers.unseen.add(target);
  }

  remove(target: string, nowMs: number): void {
    this.#look(nowMs);
    this.#targets--;
    this.#alertingSinceMs.delete(target);
    const peers = this.#peersOf(target);
    peers.all.delete(target);
    peers.healthy.delete(target);
    peers.unseen.delete(target);
    const channel = this.#channels.get(target);
    this.#channels.delete(target);
    if (peers.all.size === 0) this.#peers.delete(channel);
  }

  saw(target: string, is: { healthy: boolean; alerting: boolean }, nowMs: number): void {
    const { healthy, unseen } = this.#peersOf(target);
    unseen.delete(target);
    if (is.healthy) healthy.add(target);
    else healthy.delete(target);
    if (is.alerting === this.#alertingSinceMs.has(target)) return;
    // Until now it was as it was.
    this.#look(nowMs);
    if (is.alerting) this.#alertingSinceMs.set(target, nowMs);
    else this.#alertingSinceMs.delete(target);
    this.#look(nowMs);
  }

  placeOf(target: string, nowMs: number): Place {
    this.#look(nowMs);
    const { all, healthy, unseen } = this.#peersOf(target);
    const isHealthy = healthy.has(target);
    return {
      domain: this.#name,
      targets: this.#targets,
      channel: this.#channels.get(target),
      peers: all,
      // It may be the last one that serves.
      isHealthy: isHealthy || unseen.has(target),
      healthyOthers: healthy.size - (isHealthy ? 1 : 0),
      alerting: this.#alertingTogether(nowMs),
    };
  }

  /** How long a storm goes on at least; 0: there is none. */
  stormLeftMs(nowMs: number): number {
    if (this.#storm) this.#look(nowMs);
    return this.#storm ? this.#storm.untilMs - nowMs : 0;
  }

  #peersOf(target: string): Peers {
    const channel = this.#channels.get(target);
    let peers = this.#peers.get(channel);
    if (!peers)
      this.#peers.set(channel, (peers = { all: new Set(), healthy: new Set(), unseen: new Set() }));
    return peers;
  }

  /** A storm begins when enough begin to alert within a window, and lasts while enough of those still do, and a while longer. */
  #look(nowMs: number): void {
    const { windowMs, holdMs } = this.#limits.storm;
    const [targets, alerting] = [this.#targets, this.#alertingTogether(nowMs)];
    if (isStorm({ targets, alerting }, this.#limits)) {
      const sinceMs = this.#storm?.sinceMs ?? nowMs - windowMs;
      this.#storm = { sinceMs, untilMs: nowMs + holdMs };
    } else if (this.#storm && nowMs >= this.#storm.untilMs) this.#storm = undefined;
  }

  #alertingTogether(nowMs: number): number {
    const sinceMs = this.#storm?.sinceMs ?? nowMs - this.#limits.storm.windowMs;
    return this.#alertingSinceMs.values().reduce((sum, ms) => sum + (ms > sinceMs ? 1 : 0), 0);
  }
}

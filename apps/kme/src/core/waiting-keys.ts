/** Keys whose slaves have not all asked for them yet. One-shot: who has had one does not get it again (ETSI GS QKD 014, section 5.4). */
import type { DeliveredKey } from "@glassline/quantum/key-delivery/messages";

import { notFound, unauthorized } from "./standard.ts";

export interface WaitingKey extends DeliveredKey {
  masterSaeId: string;
  /** Each may ask for it, once. */
  slaveSaeIds: readonly string[];
}

export interface WaitingLimits {
  keys: number;
  /** So long a key waits. */
  lifetimeMs: number;
}

interface Waiting {
  waiting: WaitingKey;
  /** Who has not had it. */
  left: Set<string>;
  untilMs: number;
}

/** All times by a clock that does not go back. */
export class WaitingKeys {
  readonly #limits: WaitingLimits;
  /** In the order in which they came. */
  readonly #keys = new Map<string, Waiting>();
  /** Told of each that nobody asked for in time, or for which there was no room. */
  readonly #dropped: (reason: "late" | "full") => void;

  constructor(limits: WaitingLimits, dropped: (reason: "late" | "full") => void) {
    this.#limits = limits;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#keys.size;
  }

  add(waiting: WaitingKey, nowMs: number): void {
    this.forget(nowMs);
    if (this.#keys.size >= this.#limits.keys) this.#drop(this.#keys.keys().next().value!, "full");
    const left = new Set(waiting.slaveSaeIds);
    this.#keys.set(waiting.id, { waiting, left, untilMs: nowMs + this.#limits.lifetimeMs });
  }

  /** All or none. Throws Refused: one is not there, or is not for this caller from this master. */
  take(
    { masterSaeId, slaveSaeId }: { masterSaeId: string; slaveSaeId: string },
    ids: readonly string[],
    nowMs: number,
  ): DeliveredKey[] {
    this.forget(nowMs);
    const found = [...new Set(ids)].map((id) => {
      const known = this.#keys.get(id);
      if (!known) throw notFound(id);
      return known;
    });
    const isMeant = found.every(
      ({ waiting }) =>
        waiting.slaveSaeIds.includes(slaveSaeId) && waiting.masterSaeId === masterSaeId,
    );
    if (!isMeant) throw unauthorized();
    const had = found.find(({ left }) => !left.has(slaveSaeId));
    if (had) throw notFound(had.waiting.id);
    return found.map(({ waiting: { id, key }, left }) => {
      left.delete(slaveSaeId);
      if (left.size > 0) return { id, key: key.slice() };
      this.#keys.delete(id);
      return { id, key };
    });
  }

  /** What has waited too long. */
  forget(nowMs: number): void {
    for (const [id, { untilMs }] of this.#keys) {
      if (untilMs > nowMs) break;
      this.#drop(id, "late");
    }
  }

  wipe(): void {
    for (const { waiting } of this.#keys.values()) waiting.key.fill(0);
    this.#keys.clear();
  }

  #drop(id: string, reason: "late" | "full"): void {
    this.#keys.get(id)?.waiting.key.fill(0);
    this.#keys.delete(id);
    this.#dropped(reason);
  }
}

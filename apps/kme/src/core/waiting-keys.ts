/** Keys whose slave has not asked for them yet. One-shot: who has had one does not get it again (ETSI GS QKD 014, section 5.4). */
import type { DeliveredKey } from "@glassline/quantum/key-delivery/messages";

import { notFound, unauthorized } from "./standard.ts";

export interface WaitingKey extends DeliveredKey {
  masterSaeId: string;
  slaveSaeId: string;
}

export interface WaitingLimits {
  keys: number;
  /** So long a key waits. */
  lifetimeMs: number;
}

interface Waiting {
  waiting: WaitingKey;
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
    this.#keys.set(waiting.id, { waiting, untilMs: nowMs + this.#limits.lifetimeMs });
  }

  /** All or none. Throws Refused: one is not there, or is not for this caller from this master. */
  take(
    { masterSaeId, slaveSaeId }: Pick<WaitingKey, "masterSaeId" | "slaveSaeId">,
    ids: readonly string[],
    nowMs: number,
  ): DeliveredKey[] {
    this.forget(nowMs);
    const found = [...new Set(ids)].map((id) => {
      const waiting = this.#keys.get(id)?.waiting;
      if (!waiting) throw notFound(id);
      return waiting;
    });
    const isMeant = found.every(
      (one) => one.slaveSaeId === slaveSaeId && one.masterSaeId === masterSaeId,
    );
    if (!isMeant) throw unauthorized();
    for (const { id } of found) this.#keys.delete(id);
    return found.map(({ id, key }) => ({ id, key }));
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

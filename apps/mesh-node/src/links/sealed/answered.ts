/** What the answering end remembers of those who knock: bounded, as strangers may. */
import type { Introduced } from "@glassline/quantum/keys/introduction";
import type { OpeningInit } from "./opening-channel.ts";

interface Handshake {
  moment: bigint;
  /** Undefined: it is being made. */
  second: OpeningInit | undefined;
}

const REMEMBERED_MAX = 1_024;
/** What is looked at of one address within a second: signatures and decapsulations are dear. */
const LOOKS_MAX = 20;
const WINDOW_MS = 1_000;
/** Of all addresses. */
const ALL_LOOKS_MAX = 500;

export class Answered {
  /** By address and port. */
  readonly #peers = new Map<string, Introduced>();
  /** The last one with each peer, by its name and incarnation. */
  readonly #handshakes = new Map<string, Handshake>();
  #counts = new Map<string, number>();
  #count = 0;
  #windowMs = -Infinity;

  /** Whether what came from there is looked at. */
  mayLook(address: string, nowMs: number): boolean {
    if (nowMs - this.#windowMs >= WINDOW_MS)
      [this.#counts, this.#count, this.#windowMs] = [new Map(), 0, nowMs];
    const count = this.#counts.get(address) ?? 0;
    if (count >= LOOKS_MAX || this.#count >= ALL_LOOKS_MAX) return false;
    this.#counts.set(address, count + 1);
    this.#count++;
    return true;
  }

  met(address: string, peer: Introduced): void {
    remember(this.#peers, address, peer);
  }

  whoIs(address: string): Introduced | undefined {
    return this.#peers.get(address);
  }

  /** "new": it has to be answered. "old": another one came later. Otherwise it has come before: the answer, if there is one yet. */
  begin(peer: Introduced, moment: bigint): OpeningInit | "new" | "old" | undefined {
    const last = this.#handshakes.get(keyOf(peer));
    if (last && moment < last.moment) return "old";
    if (last && moment === last.moment) return last.second;
    remember(this.#handshakes, keyOf(peer), { moment, second: undefined });
    return "new";
  }

  end(peer: Introduced, moment: bigint, second: OpeningInit): void {
    const last = this.#handshakes.get(keyOf(peer));
    if (last?.moment === moment) last.second = second;
  }
}

const keyOf = ({ name, incarnation }: Introduced): string => `${name} ${incarnation}`;

/** The oldest is forgotten. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > REMEMBERED_MAX) map.delete(map.keys().next().value!);
}

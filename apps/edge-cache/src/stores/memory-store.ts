/** Objects in memory, bounded in bytes; S3-FIFO says which go. What a purge has hit is found when it is asked for, and freed by and by. */
import { setImmediate as turn } from "node:timers/promises";

import { isSameSelection } from "../core/http/vary.ts";
import type { Purges, WidePurge } from "../core/purges.ts";
import { S3Fifo } from "../core/s3-fifo.ts";
import { TagCounts } from "../core/tag-counts.ts";
import { Compactor } from "./compact.ts";
import { Slabs } from "./slabs.ts";
import type { Purged, Store, StoredResponse } from "./store.ts";

/** Of a response beyond its body and fields: keys, policy, links. */
const OVERHEAD_BYTES = 512;
/** Of one object; the oldest ones go. */
const VARIANTS_MAX = 64;
const NONE: readonly StoredResponse[] = [];
const NOTHING: Purged = { objects: 0, bytes: 0 };
/** Looked at in one turn of the event loop, while objects are freed. */
const SWEPT_AT_ONCE = 1_000;

interface Held {
  variants: readonly StoredResponse[];
  readonly bytes: number;
  /** How often it was asked for, as the policy counts. */
  uses: number;
  /** Number of the newest purge that it was compared with. */
  checked: number;
  /** Of the newest purge when it was counted. */
  counted: number;
}

export interface MemoryStoreDeps {
  purges: Purges;
  /** Milliseconds, monotonic. */
  nowMs: () => number;
  evicted?: () => void;
}

export class MemoryStore implements Store {
  readonly maxBytes: number;
  readonly #deps: MemoryStoreDeps;
  readonly #objects: S3Fifo<Held>;
  readonly #tags = new TagCounts();
  readonly #slabs = new Slabs((key, from) => this.#move(key, from));
  readonly #compactor = new Compactor(this.#slabs);

  constructor(maxBytes: number, deps: MemoryStoreDeps) {
    this.maxBytes = maxBytes;
    this.#deps = deps;
    this.#objects = new S3Fifo(maxBytes);
  }

  /** What slabs take for small bodies. */
  get slabBytes(): number {
    return this.#slabs.bytes;
  }

  get objects(): number {
    return this.#objects.size;
  }

  get bytes(): number {
    return this.#objects.bytes;
  }

  get(key: string): readonly StoredResponse[] {
    const held = this.#objects.get(key);
    if (!held) return NONE;
    if (held.checked !== this.#deps.purges.last && this.#recheck(key, held) === "gone") return NONE;
    this.#objects.used(held);
    return held.variants;
  }

  /** As `get`, without a use: nobody has asked for it, and purges are not looked at. */
  peek(key: string): readonly StoredResponse[] | undefined {
    return this.#objects.get(key)?.variants;
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  set(key: string, response: StoredResponse): boolean {
    const others = this.get(key).filter(
      ({ selecting }) => !isSameSelection(selecting, response.selecting),
    );
    const kept = others.slice(0, VARIANTS_MAX - 1);
    const bytes = sizeOf(key, [response, ...kept]);
    if (bytes > this.maxBytes) {
      this.remove(key);
      return false;
    }
    const before = this.#objects.get(key);
    const isHere = before?.variants.some(({ body }) => body === response.body) ?? false;
    const variants = [this.#compactor.compact(key, response, isHere), ...kept];
    if (before) this.#left(before, variants);
    const { last } = this.#deps.purges;
    const held: Held = { variants, bytes, uses: 0, checked: response.since, counted: last };
    for (const [, victim] of this.#objects.add(key, held)) {
      this.#left(victim);
      this.#deps.evicted?.();
    }
    this.#tags.add(tagsOf(held), bytes, last);
    this.#slabs.settle();
    return true;
  }

  remove(key: string): Purged {
    const held = this.#objects.remove(key);
    if (!held) return NOTHING;
    this.#left(held);
    this.#slabs.settle();
    return { objects: 1, bytes: held.bytes };
  }

  leave(key: string): void {
    this.#objects.leave(key);
  }

  soften(key: string): Purged {
    const held = this.#objects.get(key);
    if (!held) return NOTHING;
    held.variants = held.variants.map((variant) => this.#stale(variant));
    return { objects: 1, bytes: held.bytes };
  }

  async purged({ target, isSoft }: WidePurge): Promise<Purged> {
    if (typeof target === "object" && "prefix" in target) return this.#sweep();
    const all = { objects: this.objects, bytes: this.bytes };
    const hit = target === "everything" ? all : this.#tags.of(target.tag);
    if (isSoft) return hit;
    if (target === "everything") this.#clear();
    else {
      this.#tags.forget(target.tag);
      void this.#sweep();
    }
    return hit;
  }

  /** Compares all with the newest purges. Resolves with what they hit that no other look has found before. */
  async #sweep(): Promise<Purged> {
    const hit = { objects: 0, bytes: 0 };
    let looked = 0;
    for (const [key, held] of this.#objects.entries()) {
      if (looked++ % SWEPT_AT_ONCE === 0) await turn();
      if (this.#objects.get(key) !== held || held.checked === this.#deps.purges.last) continue;
      const { bytes } = held;
      if (this.#recheck(key, held) === "alive") continue;
      hit.objects++;
      hit.bytes += bytes;
    }
    return hit;
  }

  #recheck(key: string, held: Held): "alive" | "soft" | "gone" {
    const { purges } = this.#deps;
    const verdicts = held.variants.map(({ tags, since }) =>
      purges.verdict(key, tags, Math.max(since, held.checked)),
    );
    held.checked = purges.last;
    if (verdicts.every((verdict) => verdict === "alive")) return "alive";
    if (verdicts.includes("gone")) {
      // Rarely some variants have other tags: they are asked for anew.
      this.remove(key);
      return "gone";
    }
    this.soften(key);
    return "soft";
  }

  #stale(variant: StoredResponse): StoredResponse {
    const ageMs = this.#deps.nowMs() - variant.bornMs;
    const lifetimeMs = Math.min(variant.policy.lifetimeMs, ageMs);
    return { ...variant, policy: { ...variant.policy, lifetimeMs } };
  }

  #clear(): void {
    this.#objects.clear();
    this.#tags.clear();
    this.#slabs.clear();
  }

  /** It is held no more, but for those that are. */
  #left(held: Held, still: readonly StoredResponse[] = NONE): void {
    this.#tags.remove(tagsOf(held), held.bytes, held.counted);
    for (const { body } of held.variants)
      if (!still.some((one) => one.body === body)) this.#slabs.release(body);
  }

  #move(key: string, from: ArrayBufferLike): void {
    const held = this.#objects.get(key);
    if (!held?.variants.some(({ body }) => body.buffer === from)) return;
    held.variants = held.variants.map((variant) =>
      variant.body.buffer === from
        ? { ...variant, body: this.#slabs.put(key, variant.body)! }
        : variant,
    );
  }
}

function tagsOf({ variants }: Held): Iterable<string> {
  return variants.length === 1 ? variants[0]!.tags : new Set(variants.flatMap(({ tags }) => tags));
}

function sizeOf(key: string, variants: readonly StoredResponse[]): number {
  let bytes = 2 * key.length;
  for (const { body, fields, selecting, tags } of variants) {
    bytes += body.length + OVERHEAD_BYTES;
    for (const [name, value = ""] of selecting) bytes += name.length + value.length;
    for (const tag of tags) bytes += tag.length;
    for (const [name, value] of fields.lines) bytes += name.length + value.length;
  }
  return bytes;
}

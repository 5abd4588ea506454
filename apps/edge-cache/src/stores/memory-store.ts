/** Objects in memory, bounded in bytes; those used least lately go first. */
import type { Purged, Store, StoredObject } from "./store.ts";

/** Of an object beyond its body: keys, headers, links. */
const OVERHEAD_BYTES = 512;

export class MemoryStore implements Store {
  readonly maxBytes: number;
  /** In order of use, the oldest first. */
  readonly #objects = new Map<string, StoredObject>();
  readonly #keysByTag = new Map<string, Set<string>>();
  readonly #evicted: (object: StoredObject) => void;
  #bytes = 0;

  constructor(maxBytes: number, evicted: (object: StoredObject) => void = () => {}) {
    this.maxBytes = maxBytes;
    this.#evicted = evicted;
  }

  get objects(): number {
    return this.#objects.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): StoredObject | undefined {
    const object = this.#objects.get(key);
    if (!object) return undefined;
    this.#objects.delete(key);
    this.#objects.set(key, object);
    return object;
  }

  set(key: string, object: StoredObject): boolean {
    this.#remove(key);
    const size = sizeOf(key, object);
    if (size > this.maxBytes) return false;
    for (const [oldest, victim] of this.#objects) {
      if (this.#bytes + size <= this.maxBytes) break;
      this.#remove(oldest);
      this.#evicted(victim);
    }
    this.#objects.set(key, object);
    this.#bytes += size;
    for (const tag of object.tags) {
      const keys = this.#keysByTag.get(tag);
      if (keys) keys.add(key);
      else this.#keysByTag.set(tag, new Set([key]));
    }
    return true;
  }

  purgeKey(key: string): Purged {
    return this.#purge([key]);
  }

  purgeTag(tag: string): Purged {
    return this.#purge([...(this.#keysByTag.get(tag) ?? [])]);
  }

  purgeAll(): Purged {
    return this.#purge([...this.#objects.keys()]);
  }

  #purge(keys: readonly string[]): Purged {
    const before = { objects: this.objects, bytes: this.bytes };
    for (const key of keys) this.#remove(key);
    return { objects: before.objects - this.objects, bytes: before.bytes - this.bytes };
  }

  #remove(key: string): void {
    const object = this.#objects.get(key);
    if (!object) return;
    this.#objects.delete(key);
    this.#bytes -= sizeOf(key, object);
    for (const tag of object.tags) {
      const keys = this.#keysByTag.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByTag.delete(tag);
    }
  }
}

function sizeOf(key: string, { body }: StoredObject): number {
  return body.length + 2 * key.length + OVERHEAD_BYTES;
}

/** Memory in front, disk behind. What is in memory is never older than what is on disk. */
import { isForDisk, isRenewalDue, isSameButTimes } from "../core/disk/disk-rules.ts";
import type { WidePurge } from "../core/purges.ts";
import type { DiskStore } from "./disk/disk-store.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Purged, Store, StoredResponse } from "./store.ts";

export class TieredStore implements Store {
  readonly #memory: MemoryStore;
  readonly #disk: DiskStore;
  readonly #nowMs: () => number;
  readonly #loads = new Map<string, Promise<void>>();
  /** Of objects that were renewed, by body: the birth of what is on disk. */
  readonly #writtenBornMs = new WeakMap<Buffer, number>();

  /** @param nowMs monotonic. */
  constructor(memory: MemoryStore, disk: DiskStore, nowMs: () => number) {
    this.#memory = memory;
    this.#disk = disk;
    this.#nowMs = nowMs;
  }

  get objects(): number {
    return this.#memory.objects;
  }

  get bytes(): number {
    return this.#memory.bytes;
  }

  get maxBytes(): number {
    return this.#memory.maxBytes;
  }

  get(key: string): readonly StoredResponse[] {
    return this.#memory.get(key);
  }

  load(key: string): Promise<void> | undefined {
    if (this.#memory.peek(key)) return undefined;
    const known = this.#loads.get(key);
    if (known) return known;
    const reading = this.#disk.read(key);
    if (!reading) return undefined;
    const loading: Promise<void> = reading.then((variants) =>
      this.#arrived(key, loading, variants),
    );
    this.#loads.set(key, loading);
    return loading;
  }

  set(key: string, response: StoredResponse): boolean {
    const before = this.#memory.peek(key)?.find((one) => one.body === response.body);
    const isStored = this.#memory.set(key, response);
    if (!isStored) this.#disk.remove(key);
    else if (!before || this.#isWorthWriting(before, response)) this.#write(key);
    return isStored;
  }

  remove(key: string): Purged {
    this.#loads.delete(key);
    return either(this.#memory.remove(key), this.#disk.remove(key));
  }

  leave(key: string): void {
    this.#memory.leave(key);
  }

  soften(key: string): Purged {
    this.#loads.delete(key);
    const hit = this.#memory.soften(key);
    // What could not be brought to memory is not made stale, but forgotten.
    if (hit.objects === 0) return this.#disk.remove(key);
    this.#write(key);
    return hit;
  }

  async purged(purge: WidePurge): Promise<Purged> {
    const [hit] = await Promise.all([this.#memory.purged(purge), this.#disk.purged(purge)]);
    return hit;
  }

  settled(): Promise<void> {
    return this.#disk.settled();
  }

  #arrived(
    key: string,
    loading: Promise<void>,
    variants: readonly StoredResponse[] | undefined,
  ): void {
    // It was purged meanwhile.
    if (this.#loads.get(key) !== loading) return;
    this.#loads.delete(key);
    // Memory may have something newer by now.
    if (!variants || this.#memory.peek(key)) return;
    for (const variant of variants.toReversed())
      if (!this.#memory.set(key, variant)) return void this.#disk.remove(key);
  }

  #isWorthWriting(before: StoredResponse, response: StoredResponse): boolean {
    if (!isSameButTimes(before, response)) return true;
    const { body } = response;
    const writtenBornMs = this.#writtenBornMs.get(body) ?? before.bornMs;
    const isDue = isRenewalDue(response, writtenBornMs);
    this.#writtenBornMs.set(body, isDue ? response.bornMs : writtenBornMs);
    return isDue;
  }

  #write(key: string): void {
    const nowMs = this.#nowMs();
    const variants = this.#memory.peek(key)!.filter((one) => isForDisk(key, one, nowMs));
    if (variants.length > 0) this.#disk.put(key, variants);
    else this.#disk.remove(key);
  }
}

/** An object in both is one. */
const either = (memory: Purged, disk: Purged): Purged => (memory.objects > 0 ? memory : disk);

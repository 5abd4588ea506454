/** How many objects, and bytes, have a tag, so that a purge can tell what it hit without looking at each. Pure. */

interface Count {
  objects: number;
  bytes: number;
  /** Number of the newest purge when its first object was added; older objects were purged, and are not in it. */
  since: number;
}

export class TagCounts {
  readonly #counts = new Map<string, Count>();

  /** @param number of the newest purge. */
  add(tags: Iterable<string>, bytes: number, number: number): void {
    for (const tag of tags) {
      const count = this.#counts.get(tag);
      if (count) {
        count.objects++;
        count.bytes += bytes;
      } else this.#counts.set(tag, { objects: 1, bytes, since: number });
    }
  }

  /** @param number of the newest purge when it was added. */
  remove(tags: Iterable<string>, bytes: number, number: number): void {
    for (const tag of tags) {
      const count = this.#counts.get(tag);
      if (!count || number < count.since) continue;
      count.objects--;
      count.bytes -= bytes;
      if (count.objects === 0) this.#counts.delete(tag);
    }
  }

  of(tag: string): { objects: number; bytes: number } {
    const { objects = 0, bytes = 0 } = this.#counts.get(tag) ?? {};
    return { objects, bytes };
  }

  /** All that has it is purged. */
  forget(tag: string): void {
    this.#counts.delete(tag);
  }

  clear(): void {
    this.#counts.clear();
  }
}

/** All segments of a folder; the last one is appended to. */
import type { Segment } from "./segment.ts";

export class Segments {
  /** Ascending. */
  readonly #all = new Map<number, Segment>();

  get bytes(): number {
    let bytes = 0;
    for (const segment of this.#all.values()) bytes += segment.bytes;
    return bytes;
  }

  get count(): number {
    return this.#all.size;
  }

  get oldest(): Segment | undefined {
    return this.#all.values().next().value;
  }

  get last(): Segment | undefined {
    let last: Segment | undefined;
    for (const segment of this.#all.values()) last = segment;
    return last;
  }

  get(number: number): Segment | undefined {
    return this.#all.get(number);
  }

  all(): Segment[] {
    return [...this.#all.values()];
  }

  /** With a higher number than all. */
  add(segment: Segment): void {
    this.#all.set(segment.number, segment);
  }

  async remove(segment: Segment): Promise<void> {
    this.#all.delete(segment.number);
    await segment.remove();
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((segment) => segment.close().catch(() => {})));
    this.#all.clear();
  }
}

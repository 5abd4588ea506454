/** Which objects requests mean, by the settings of this edge. Pure. */
import type { Address, IgnoredQuery } from "./address.ts";
import { addressOf } from "./address.ts";

const REMEMBERED_MAX = 4_096;
/** Longer ones say something of their viewer, and will not come again. */
const REMEMBERED_MAX_CHARS = 256;

export class Addresses {
  readonly #known = new Map<string, Address>();
  readonly #ignored: IgnoredQuery;

  /** @param ignored the same at all edges of a cluster: they name objects to each other. */
  constructor(ignored: Iterable<string> = []) {
    this.#ignored = new Set(ignored);
  }

  /** Undefined as of `addressOf`. */
  read(target: string): Address | undefined {
    return addressOf(target, this.#ignored);
  }

  /** Of a viewer's request; remembered: many ask for the same. */
  of(target: string): Address | undefined {
    const known = this.#known.get(target);
    if (known) return known;
    const address = this.read(target);
    if (!address || target.length > REMEMBERED_MAX_CHARS) return address;
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
    this.#known.set(target, address);
    return address;
  }
}

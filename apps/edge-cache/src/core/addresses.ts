/** Addresses of requests, remembered: many viewers ask for the same. Pure. */
import type { Address } from "./address.ts";
import { addressOf } from "./address.ts";

const REMEMBERED_MAX = 4_096;
/** Longer ones say something of their viewer, and will not come again. */
const REMEMBERED_MAX_CHARS = 256;

export class Addresses {
  readonly #known = new Map<string, Address>();

  of(target: string): Address | undefined {
    const known = this.#known.get(target);
    if (known) return known;
    const address = addressOf(target);
    if (!address || target.length > REMEMBERED_MAX_CHARS) return address;
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
    this.#known.set(target, address);
    return address;
  }
}

/** Segments as an encoder sent them. Each content has an address of its own, also when an encoder uses a name again. */
import { createHash } from "node:crypto";

/** What no playlist names is kept for so long: players that are late, segments that come before their playlist. */
const UNNAMED_KEPT_MS = 60_000;
const DIGEST_CHARS = 12;
/** What an object costs beside its bytes. */
const OVERHEAD_BYTES = 1_024;

interface PushedObject {
  name: string;
  body: Buffer;
  /** When it was sent, or replaced by another of its name. */
  sinceMs: number;
}

export class PushedObjects {
  /** By address: "~0f1e2d3c4b5a/video/seg-1.m4s". */
  readonly #objects = new Map<string, PushedObject>();
  /** Name -> address of what came last under it. */
  readonly #newest = new Map<string, string>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Undefined: nothing has come under this name. */
  addressOf(name: string): string | undefined {
    return this.#newest.get(name);
  }

  at(address: string): PushedObject | undefined {
    return this.#objects.get(address);
  }

  newest(name: string): PushedObject | undefined {
    const address = this.#newest.get(name);
    return address === undefined ? undefined : this.#objects.get(address);
  }

  /** Bytes that an object would add. */
  cost(name: string, body: Buffer): number {
    return this.#objects.has(addressFor(name, body)) ? 0 : body.length + OVERHEAD_BYTES;
  }

  put(name: string, body: Buffer, nowMs: number): void {
    const before = this.newest(name);
    if (before) before.sinceMs = nowMs;
    const address = addressFor(name, body);
    this.#bytes += this.cost(name, body);
    this.#objects.set(address, { name, body, sinceMs: nowMs });
    this.#newest.set(name, address);
  }

  delete(name: string): boolean {
    const address = this.#newest.get(name);
    if (address === undefined) return false;
    this.#remove(address);
    return true;
  }

  /** Forgets what has not been in use for a while. */
  forget(inUse: ReadonlySet<string | undefined>, nowMs: number): void {
    for (const [address, { sinceMs }] of this.#objects)
      if (!inUse.has(address) && nowMs - sinceMs > UNNAMED_KEPT_MS) this.#remove(address);
  }

  #remove(address: string): void {
    const object = this.#objects.get(address);
    if (!object) return;
    this.#objects.delete(address);
    this.#bytes -= object.body.length + OVERHEAD_BYTES;
    if (this.#newest.get(object.name) === address) this.#newest.delete(object.name);
  }
}

function addressFor(name: string, body: Buffer): string {
  const digest = createHash("sha256").update(body).digest("hex").slice(0, DIGEST_CHARS);
  return `~${digest}/${name}`;
}

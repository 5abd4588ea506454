/** Messages of an opening are longer than a datagram: they go in parts. Strangers send such, too: what is kept of them is bounded. */
import { randomBytes } from "node:crypto";

/** The first byte of each datagram; those of records have another one (packages/quantum, keys/records.ts). */
export const TYPE_OPENING = 1;
const HEADER_BYTES = 8;
const PART_BYTES = 1_200;
const PARTS_MAX = 6;
/** Of messages that are not whole yet: a few MiB. */
const MESSAGES_MAX = 512;
const LIFETIME_MS = 2_000;

/** Throws RangeError when it is too long. */
export function toParts(message: Uint8Array): Buffer[] {
  const count = Math.ceil(message.length / PART_BYTES);
  if (count > PARTS_MAX)
    throw new RangeError(
      `opening: got ${message.length} bytes, expected ${PARTS_MAX * PART_BYTES}`,
    );
  const id = randomBytes(4);
  return Array.from({ length: count }, (_, index) => {
    const header = Buffer.from([TYPE_OPENING, index, count, 0, ...id]);
    return Buffer.concat([header, message.subarray(index * PART_BYTES, (index + 1) * PART_BYTES)]);
  });
}

interface Assembly {
  parts: (Buffer | undefined)[];
  missing: number;
  sinceMs: number;
}

export class OpeningParts {
  /** By who sent them and the message's id; the oldest first. */
  readonly #assemblies = new Map<string, Assembly>();

  /** The message when this was its last part. */
  take(from: string, datagram: Buffer, nowMs: number): Buffer | undefined {
    if (datagram.length <= HEADER_BYTES || datagram.length > HEADER_BYTES + PART_BYTES)
      return undefined;
    const [index, count] = [datagram[1]!, datagram[2]!];
    if (count === 0 || count > PARTS_MAX || index >= count) return undefined;
    const key = `${from} ${datagram.readUInt32BE(4)}`;
    const assembly = this.#assemblies.get(key) ?? this.#begin(key, count, nowMs);
    if (assembly.parts.length !== count || assembly.parts[index]) return undefined;
    assembly.parts[index] = datagram.subarray(HEADER_BYTES);
    if (--assembly.missing > 0) return undefined;
    this.#assemblies.delete(key);
    return Buffer.concat(assembly.parts as Buffer[]);
  }

  #begin(key: string, count: number, nowMs: number): Assembly {
    for (const [old, { sinceMs }] of this.#assemblies) {
      if (this.#assemblies.size < MESSAGES_MAX && nowMs - sinceMs < LIFETIME_MS) break;
      this.#assemblies.delete(old);
    }
    const parts = Array.from({ length: count }, () => undefined);
    const assembly = { parts, missing: count, sinceMs: nowMs };
    this.#assemblies.set(key, assembly);
    return assembly;
  }
}

/** Parts become messages again, each once. Bounded. */
import { numberNear } from "@glassline/quantum/keys/number-near";
import type { PadReader } from "@glassline/quantum/keys/pad";

import type { Part } from "./contents.ts";
import { CHANNELS, ContentsError, NUMBERS } from "./contents.ts";
import { CONTROL, OPEN_MAX } from "./outbox.ts";

interface Assembly {
  parts: Map<number, Uint8Array>;
  bytes: number;
  /** Known when the last part is here. */
  length: number | undefined;
}

interface Channel {
  assemblies: Map<number, Assembly>;
  /** Messages that are complete, from `allBefore` on. */
  done: Set<number>;
  /** All before this one are complete. */
  allBefore: number;
  /** Complete ones that wait for those before them. */
  waiting: Map<number, Uint8Array>;
}

export const MESSAGE_MAX_BYTES = 8 * 1_048_576;
const ASSEMBLED_MAX_BYTES = 64 * 1_048_576;

export class Inbox {
  readonly #pad: PadReader | undefined;
  readonly #channels: Channel[] = Array.from({ length: CHANNELS }, () => ({
    assemblies: new Map(),
    done: new Set(),
    allBefore: 0,
    waiting: new Map(),
  }));
  #bytes = 0;

  /** @param pad that all but the control channel is under. */
  constructor(pad?: PadReader) {
    this.#pad = pad;
  }

  /** The messages that are whole now: those of the control channel in their order, others as they come. Throws ContentsError. */
  take(part: Part): Uint8Array[] {
    const channel = this.#channels[part.channel]!;
    const message = numberNear(channel.allBefore, part.message, NUMBERS);
    if (message < channel.allBefore || channel.done.has(message)) return [];
    if (message >= channel.allBefore + OPEN_MAX)
      throw new ContentsError(`message ${message}: got it while ${channel.allBefore} is missing`);
    const whole = this.#add(channel, message, part);
    if (!whole) return [];
    const before = channel.allBefore;
    if (message === before) channel.allBefore++;
    else channel.done.add(message);
    while (channel.done.size > 0 && channel.done.delete(channel.allBefore)) channel.allBefore++;
    if (part.channel !== CONTROL) return [whole];
    channel.waiting.set(message, whole);
    const inOrder: Uint8Array[] = [];
    for (let next = before; next < channel.allBefore; next++) {
      inOrder.push(channel.waiting.get(next)!);
      channel.waiting.delete(next);
    }
    return inOrder;
  }

  #add({ assemblies }: Channel, message: number, part: Part): Uint8Array | undefined {
    const { offset, isLast } = part;
    if (offset === 0 && isLast && !assemblies.has(message)) return this.#bytesOf(part);
    const assembly = assemblies.get(message) ?? { parts: new Map(), bytes: 0, length: undefined };
    if (assembly.parts.has(offset)) return undefined;
    const bytes = this.#bytesOf(part);
    if (offset + bytes.length > MESSAGE_MAX_BYTES || this.#bytes > ASSEMBLED_MAX_BYTES)
      throw new ContentsError(`message ${message}: got more than ${MESSAGE_MAX_BYTES} bytes`);
    assemblies.set(message, assembly);
    assembly.parts.set(offset, bytes);
    assembly.bytes += bytes.length;
    this.#bytes += bytes.length;
    if (isLast) assembly.length = offset + bytes.length;
    if (assembly.length === undefined || assembly.bytes < assembly.length) return undefined;
    assemblies.delete(message);
    this.#bytes -= assembly.bytes;
    return joined(message, assembly);
  }

  /** Of a part that has not come before: its pad is used once. */
  #bytesOf({ channel, padAt, bytes }: Part): Uint8Array {
    const pad = channel === CONTROL ? undefined : this.#pad;
    if (pad === undefined && padAt === undefined) return bytes;
    const opened = padAt === undefined ? undefined : pad?.open({ at: padAt, bytes });
    if (opened) return opened;
    const [got, expected] = [padAt ?? "none", pad ? "one that was not used" : "none"];
    throw new ContentsError(`one-time pad: got ${got}, expected ${expected}`);
  }
}

function joined(message: number, { parts, length }: Assembly): Uint8Array {
  const whole = Buffer.allocUnsafe(length!);
  let end = 0;
  for (const [offset, bytes] of [...parts].toSorted(([a], [b]) => a - b)) {
    if (offset !== end) throw new ContentsError(`message ${message}: got parts that overlap`);
    whole.set(bytes, offset);
    end += bytes.length;
  }
  return whole;
}

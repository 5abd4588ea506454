/**
 * A frame of data as a relay sees it: what it needs to pass it on is read from the bytes, and what it adds is put behind them, so that nothing is
 * decoded and encoded again. In Protocol Buffers the last value of a field counts, and repeated ones are joined
 * (https://protobuf.dev/programming-guides/encoding/#last-one-wins). Pure.
 */
import { DataSchema, FrameSchema } from "@glassline/proto/mesh";

const LENGTH_DELIMITED = 2;
const VARINT = 0;
const FIXED64 = 1;
const FIXED32 = 5;

const tag = (field: number, wireType: number) => (field << 3) | wireType;
const DATA = tag(FrameSchema.field.data.number, LENGTH_DELIMITED);
const { field: OF_DATA } = DataSchema;
const CIRCUIT = tag(OF_DATA.circuit.number, FIXED64);
const SOURCE = tag(OF_DATA.source.number, LENGTH_DELIMITED);
const DESTINATION = tag(OF_DATA.destination.number, LENGTH_DELIMITED);
const HOP_LIMIT = tag(OF_DATA.hopLimit.number, VARINT);
const HOP_CONTEXTS = tag(OF_DATA.hopContexts.number, LENGTH_DELIMITED);
const PATH = tag(OF_DATA.path.number, LENGTH_DELIMITED);
const KEY_SOURCES = tag(OF_DATA.keySources.number, LENGTH_DELIMITED);

export interface Transit {
  source: string;
  destination: string;
  circuit: bigint;
  hopLimit: number;
  /** Without the field that holds it. */
  data: Buffer;
}

/** Undefined: it is something else, or no message, or a node has to add more to it than where it was: it carries sampled reports. */
export function transitOf(frame: Buffer): Transit | undefined {
  const reader = new Reader(frame);
  if (reader.varint() !== DATA) return undefined;
  const data = reader.bytes();
  if (!data || !reader.isAtEnd) return undefined;
  return fieldsOf(data);
}

function fieldsOf(data: Buffer): Transit | undefined {
  const transit = { source: "", destination: "", circuit: 0n, hopLimit: 0, data };
  const reader = new Reader(data);
  while (!reader.isAtEnd) {
    const field = reader.varint();
    if (field === undefined || field === HOP_CONTEXTS) return undefined;
    if (field === SOURCE) transit.source = reader.bytes()?.toString() ?? "";
    else if (field === DESTINATION) transit.destination = reader.bytes()?.toString() ?? "";
    else if (field === CIRCUIT) transit.circuit = reader.bytes(8)?.readBigUInt64LE() ?? 0n;
    else if (field === HOP_LIMIT) transit.hopLimit = reader.varint() ?? 0;
    else reader.skip(field & 7);
    if (reader.isBroken) return undefined;
  }
  return transit;
}

/** The frame behind this node. @param added `additionOf` it. */
export function passedOn({ data, hopLimit }: Transit, added: Buffer): Buffer {
  const limit = Buffer.from([HOP_LIMIT, ...varintOf(hopLimit - 1)]);
  const length = data.length + limit.length + added.length;
  return Buffer.concat([Buffer.from([DATA, ...varintOf(length)]), data, limit, added]);
}

/** What a node adds to each frame that came over a link with keys of this source. */
export function additionOf(node: string, keySource: string): Buffer {
  const [name, source] = [Buffer.from(node), Buffer.from(keySource)];
  const fields = [
    [PATH, name],
    [KEY_SOURCES, source],
  ] as const;
  return Buffer.concat(
    fields.flatMap(([field, bytes]) => [Buffer.from([field, ...varintOf(bytes.length)]), bytes]),
  );
}

function varintOf(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

const VARINT_MAX_BYTES = 5;

/** Nothing that it gives is longer than what there is. */
class Reader {
  /** There was less than was asked for. */
  isBroken = false;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Of 35 bits at most. */
  varint(): number | undefined {
    let value = 0;
    for (let count = 0; count < VARINT_MAX_BYTES && !this.isAtEnd; count++) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) return value;
    }
    this.isBroken = true;
    return undefined;
  }

  bytes(length = this.varint()): Buffer | undefined {
    if (length === undefined || this.#at + length > this.#bytes.length) {
      this.isBroken = true;
      return undefined;
    }
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  skip(wireType: number): void {
    if (wireType === LENGTH_DELIMITED) this.bytes();
    else if (wireType === VARINT) this.varint();
    else if (wireType === FIXED64) this.bytes(8);
    else if (wireType === FIXED32) this.bytes(4);
    else this.isBroken = true;
  }
}

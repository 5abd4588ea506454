/**
 * A frame of data as a relay sees it: what it needs to pass it on is read from the bytes, and the hop limit is all that it changes, in place, so that
 * nothing is decoded and encoded again. In Protocol Buffers the last value of a field counts
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
const DESTINATION = tag(OF_DATA.destination.number, LENGTH_DELIMITED);
const HOP_LIMIT = tag(OF_DATA.hopLimit.number, VARINT);
const HOP_CONTEXTS = tag(OF_DATA.hopContexts.number, LENGTH_DELIMITED);
const PATH = tag(OF_DATA.path.number, LENGTH_DELIMITED);
const AVOID = tag(OF_DATA.avoid.number, LENGTH_DELIMITED);
/** By field, its tag: decoders read a field that they know whatever its tag says of its type. */
const TAGS = [
  CIRCUIT,
  tag(OF_DATA.source.number, LENGTH_DELIMITED),
  DESTINATION,
  HOP_LIMIT,
  tag(OF_DATA.signal.number, VARINT),
  tag(OF_DATA.payload.number, LENGTH_DELIMITED),
  HOP_CONTEXTS,
  PATH,
  AVOID,
  tag(OF_DATA.keySources.number, LENGTH_DELIMITED),
];
const TAG_BY_FIELD = new Map(TAGS.map((one) => [one >>> 3, one]));
const CIRCUIT_BYTES = 8;
/** Longer ones have more than a byte. */
const HOP_LIMIT_MAX = 0x7f;

export interface Transit {
  destination: string;
  /** Whose it is: `flowOf` its circuit. */
  flow: string;
  hopLimit: number;
  /** Where the hop limit is. */
  hopLimitAt: number;
}

/** Of a circuit: flows take turns. */
export function flowOf(circuit: bigint): string {
  const bytes = Buffer.allocUnsafe(CIRCUIT_BYTES);
  bytes.writeBigUInt64LE(circuit);
  return bytes.toString("latin1");
}

const NO_FLOW = flowOf(0n);

/** Undefined: it is something else, or no message, or a node has to add something to it: it carries sampled reports, or its way is recorded. */
export function transitOf(frame: Buffer): Transit | undefined {
  const reader = new Reader(frame);
  if (reader.varint() !== DATA) return undefined;
  const length = reader.varint();
  if (length === undefined || reader.at + length !== frame.length) return undefined;
  const transit = { destination: "", flow: NO_FLOW, hopLimit: 0, hopLimitAt: 0 };
  while (!reader.isAtEnd) {
    const field = reader.varint();
    if (field === undefined || field === HOP_CONTEXTS || field === PATH || field === AVOID)
      return undefined;
    if (field === DESTINATION) transit.destination = reader.text("utf8");
    else if (field === CIRCUIT) transit.flow = reader.text("latin1", CIRCUIT_BYTES);
    else if (field === HOP_LIMIT) {
      transit.hopLimitAt = reader.at;
      transit.hopLimit = reader.varint() ?? 0;
      if (transit.hopLimit > HOP_LIMIT_MAX) return undefined;
    } else if ((TAG_BY_FIELD.get(field >>> 3) ?? field) === field) reader.skip(field & 7);
    else return undefined;
    if (reader.isBroken) return undefined;
  }
  return transit;
}

/** It has come one hop further. @param frame that `transit` is of; it is changed. */
export function passOn(frame: Buffer, { hopLimit, hopLimitAt }: Transit): void {
  frame[hopLimitAt] = hopLimit - 1;
}

const VARINT_MAX_BYTES = 5;

/** Nothing that it gives is longer than what there is. */
class Reader {
  /** There was less than was asked for. */
  isBroken = false;
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  /** Of 35 bits at most. */
  varint(): number | undefined {
    let value = 0;
    for (let count = 0; count < VARINT_MAX_BYTES && !this.isAtEnd; count++) {
      const byte = this.#bytes[this.at++]!;
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) return value;
    }
    this.isBroken = true;
    return undefined;
  }

  /** Empty where it is broken. */
  text(encoding: "utf8" | "latin1", length = this.varint()): string {
    const from = this.at;
    this.#pass(length);
    return this.isBroken ? "" : this.#bytes.toString(encoding, from, this.at);
  }

  skip(wireType: number): void {
    if (wireType === LENGTH_DELIMITED) this.#pass(this.varint());
    else if (wireType === VARINT) this.varint();
    else if (wireType === FIXED64) this.#pass(8);
    else if (wireType === FIXED32) this.#pass(4);
    else this.isBroken = true;
  }

  #pass(length: number | undefined): void {
    if (length === undefined || this.at + length > this.#bytes.length) this.isBroken = true;
    else this.at += length;
  }
}

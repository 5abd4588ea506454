/** Payloads whose parts are written one by one, so that each may say what a writer would not. */
import { ByteWriter } from "../src/bytes.ts";
import { squeeze } from "../src/compression.ts";
import { FrequencyModel } from "../src/stream-codec/frequency-model.ts";
import { SymbolWriter } from "../src/stream-codec/symbol-stream.ts";
import { writeNumber } from "../src/stream-codec/tokens.ts";

/** Seconds since 1970 as nanoseconds: a base time that is right. */
export const BASE = 1_790_000_000_000_000_000n;

export interface Parts {
  flags: number;
  base?: bigint;
  /** As they travel. */
  definitions?: Uint8Array;
  /** Bits with their length, and symbols. */
  rest: Uint8Array;
}

export function payload({ flags, base, definitions, rest }: Parts): Uint8Array {
  return bytes((writer) => {
    writer.raw(Uint8Array.of(flags));
    if (base !== undefined) writer.raw(new Uint8Array(BigUint64Array.of(base).buffer));
    if (definitions) writer.part(definitions);
    writer.raw(rest);
  });
}

export const keyPayload = (definitions: Uint8Array, rest: Uint8Array): Uint8Array =>
  payload({ flags: 3, base: BASE, definitions, rest });

/** The same with the definitions compressed. */
export const packedPayload = (definitions: Uint8Array, rest: Uint8Array): Uint8Array =>
  payload({ flags: 7, base: BASE, definitions: squeeze(definitions), rest });

export function bytes(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.finish().slice();
}

export interface Definitions {
  /** None shares anything with the one before. */
  texts: readonly (string | Uint8Array)[];
  /** Numbers of texts and 1, or 0. */
  series: readonly { parts: readonly number[]; fields: readonly number[] }[];
  /** As steps: each column less the one before, less 1. */
  shapes: readonly (readonly number[])[];
}

export function definitionBytes({ texts, series, shapes }: Definitions): Uint8Array {
  return bytes((writer) => {
    writer.varint(texts.length);
    for (const text of texts) {
      writer.varint(0);
      writer.part(typeof text === "string" ? Buffer.from(text) : text);
    }
    writer.varint(series.length);
    for (const { parts, fields } of series)
      for (const list of [parts, fields]) writeList(writer, list);
    writer.varint(shapes.length);
    for (const steps of shapes) writeList(writer, steps);
  });
}

function writeList(writer: ByteWriter, numbers: readonly number[]): void {
  writer.varint(numbers.length);
  for (const number of numbers) writer.varint(number);
}

/** One column of one series, float or int. */
export const oneColumn = (field = 0): Uint8Array =>
  definitionBytes({
    texts: ["quantity", "owner"],
    series: [{ parts: [1, 2], fields: [field] }],
    shapes: [[0]],
  });

/** What is written behind the definitions. Models are new ones as long as they are not the same object. */
export class Script {
  readonly symbols = new SymbolWriter();
  readonly groups = new FrequencyModel();
  readonly isOther = new FrequencyModel();
  readonly time = new FrequencyModel();
  readonly mode = new FrequencyModel();
  readonly surprise = new FrequencyModel();

  symbol(model: FrequencyModel, symbol: number): this {
    this.symbols.write(model, symbol);
    return this;
  }

  number(model: FrequencyModel, value: number): this {
    writeNumber(this.symbols, model, value);
    return this;
  }

  bits(value: number, count: number): this {
    this.symbols.bits.writeWide(value, count);
    return this;
  }

  /** One group of shape 0 at the base time, as the first of a stream. */
  oneGroup(): this {
    return this.number(this.groups, 1).symbol(this.isOther, 0).number(this.time, 0).bits(0, 2);
  }

  finish(): Uint8Array {
    return bytes((writer) => this.symbols.finish(writer));
  }
}

/** Batches without groups, one after another. */
export const noGroups = (script = new Script()): Uint8Array =>
  script.number(script.groups, 0).finish();

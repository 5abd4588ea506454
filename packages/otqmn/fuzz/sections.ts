/** A payload of a stream taken apart and put together again, with lengths that are right: what is changed in one section then reaches its reader. */
import { ByteReader } from "../src/bytes.ts";
import { BASE_BYTES, FLAG } from "../src/stream-codec/format.ts";
import { squeeze } from "../src/compression.ts";
import { bytes } from "./hostile-stream.ts";

/** Flags and base time, definitions as they are unpacked, bits, symbols; what stands around the payload. */
export const SECTIONS = ["head", "definitions", "bits", "symbols", "tail"] as const;
export type Sections = Record<(typeof SECTIONS)[number], Uint8Array>;

const NONE = new Uint8Array(0);

/** @param isWrapped the payload has its length before it, and a tail behind it. */
export function sectionsOf(batch: Uint8Array, isWrapped: boolean): Sections {
  const outer = new ByteReader(batch);
  const reader = isWrapped ? new ByteReader(outer.part("payload")) : outer;
  const flags = reader.raw(1, "flags");
  const base = flags[0]! & FLAG.key ? reader.raw(BASE_BYTES, "base") : NONE;
  const definitions = flags[0]! & FLAG.definitions ? reader.part("definitions") : NONE;
  const bits = reader.part("bits");
  const symbols = reader.raw(reader.remaining, "symbols");
  const tail = isWrapped ? outer.raw(outer.remaining, "tail") : NONE;
  return { head: Uint8Array.of(...flags, ...base), definitions, bits, symbols, tail };
}

export function batchOf(
  { head, definitions, bits, symbols, tail }: Sections,
  isWrapped: boolean,
  isPacked: boolean,
): Uint8Array {
  const hasDefinitions = ((head[0] ?? 0) & FLAG.definitions) !== 0;
  const payload = bytes((writer) => {
    if (isPacked && hasDefinitions) {
      writer.raw(Uint8Array.of(head[0]! | FLAG.compressed, ...head.subarray(1)));
      writer.part(squeeze(definitions));
    } else {
      writer.raw(head);
      if (hasDefinitions) writer.part(definitions);
    }
    writer.part(bits);
    writer.raw(symbols);
  });
  if (!isWrapped) return payload;
  return bytes((writer) => {
    writer.part(payload);
    writer.raw(tail);
  });
}

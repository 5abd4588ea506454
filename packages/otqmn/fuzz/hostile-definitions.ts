/** Heads and definitions that lie, and those that want to be remembered for ever. */
import { zstdCompressSync } from "node:zlib";

import { squeeze } from "../src/compression.ts";
import type { ByteWriter } from "../src/bytes.ts";
import type { Input } from "./corpus-file.ts";
import type { Definitions } from "./hostile-stream.ts";
import {
  BASE,
  Script,
  bytes,
  definitionBytes,
  keyPayload,
  noGroups,
  oneColumn,
  packedPayload,
  payload,
} from "./hostile-stream.ts";

const TEXT_BYTES = 65_536;
const SERIES_COLUMNS = 4_096;
const UNPACKED_BYTES = 4_194_304;
/** Bit 7 says that more follows. */
const ENDLESS = new Uint8Array(12).fill(0xff);

const refused = (what: string, ...batches: Uint8Array[]): Input => ({
  subject: "stream",
  expected: "refused",
  what,
  batches,
});

const defining = (definitions: Uint8Array) => keyPayload(definitions, noGroups());
const packing = (definitions: Uint8Array) => packedPayload(definitions, noGroups());

function heads(): Input[] {
  const good = defining(oneColumn());
  const packed = payload({
    flags: 7,
    base: BASE,
    definitions: Uint8Array.of(1, 2, 3, 4),
    rest: noGroups(),
  });
  const frame = zstdCompressSync(oneColumn());
  const withFrame = (definitions: Uint8Array) =>
    payload({ flags: 7, base: BASE, definitions, rest: noGroups() });
  const wide = Uint8Array.from(zstdCompressSync(Buffer.alloc(4_096, 1)));
  // No content size and a window of 2 GiB: RFC 8878, sections 3.1.1.1.1 and 3.1.1.1.2.
  const window = Uint8Array.of(...wide.subarray(0, 4), 0, 0xa8, 1, 0, 0);
  return [
    refused("nothing", new Uint8Array(0)),
    refused("flags-of-another-format", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...good)),
    refused(
      "flags-packed-without-definitions",
      payload({ flags: 5, base: BASE, rest: noGroups() }),
    ),
    refused("key-flag-without-a-base-time", Uint8Array.of(1)),
    refused(
      "key-flag-that-lies",
      payload({ flags: 2, definitions: oneColumn(), rest: noGroups() }),
    ),
    refused("definitions-that-are-not-there", payload({ flags: 3, base: BASE, rest: noGroups() })),
    refused("definitions-that-are-no-zstd", packed),
    refused("definitions-zstd-cut-off", withFrame(frame.subarray(0, -1))),
    refused("definitions-zstd-with-more-behind", withFrame(Uint8Array.of(...frame, 1, 2))),
    refused("definitions-zstd-window-of-gigabytes", withFrame(window)),
    refused("definitions-zstd-bomb", packing(new Uint8Array(64 * UNPACKED_BYTES))),
    refused(
      "length-that-lies",
      payload({ flags: 3, base: BASE, rest: Uint8Array.of(0xff, 0xff, 3) }),
    ),
    refused("length-endless", payload({ flags: 3, base: BASE, rest: ENDLESS })),
    ...[1, 5, 9, 10, 14, 20, good.length - 1].map((length) =>
      refused(`truncated-to-${String(length).padStart(2, "0")}-bytes`, good.subarray(0, length)),
    ),
  ];
}

function lies(): Input[] {
  const definition: Definitions = {
    texts: ["quantity", "owner"],
    series: [{ parts: [1, 2], fields: [0] }],
    shapes: [[0]],
  };
  const lie = (what: string, change: Partial<Definitions>, write = defining) =>
    refused(what, write(definitionBytes({ ...definition, ...change })));
  const counting = (...numbers: number[]) =>
    defining(bytes((writer) => numbers.forEach((number) => writer.varint(number))));
  return [
    lie("text-not-utf-8", { texts: ["quantity", Uint8Array.of(0xc3)] }),
    lie("text-half-of-a-surrogate-pair", { texts: ["quantity", Uint8Array.of(0xed, 0xa0, 0x80)] }),
    lie("text-too-long", { texts: ["quantity", "x".repeat(TEXT_BYTES + 1)] }, packing),
    lie("series-part-out-of-range", { series: [{ parts: [1, 3], fields: [0] }] }),
    lie("series-part-of-none-before", { series: [{ parts: [1, 0], fields: [0] }] }),
    lie("series-one-part", { series: [{ parts: [1], fields: [0] }] }),
    lie("series-too-many-parts", { series: [{ parts: Array(257).fill(1), fields: [0] }] }),
    lie("series-columns-of-none-before", { series: [{ parts: [1, 2], fields: [] }] }),
    lie("series-too-many-columns", { series: [{ parts: [1, 2], fields: Array(4_097).fill(0) }] }),
    lie("series-field-out-of-range", { series: [{ parts: [1, 2], fields: [131_072] }] }),
    lie("shape-column-out-of-range", { shapes: [[1]] }),
    lie("shape-column-of-2-to-the-53", { shapes: [[2 ** 53 - 1]] }),
    lie("shape-without-columns", { shapes: [[]] }),
    refused("texts-more-than-bytes", counting(2 ** 40)),
    refused("text-shares-what-is-not-there", counting(1, 1, 0, 0, 0)),
    refused("definitions-with-more-behind", defining(Uint8Array.of(...oneColumn(), 0))),
  ];
}

/** 1,024 times the same text of 64 KiB, whose one wide character makes each of its characters two bytes. */
function equalTexts(): Uint8Array {
  const text = Buffer.from(`${"x".repeat(TEXT_BYTES - 3)}€`);
  return bytes((writer) => {
    writer.varint(1_100);
    writer.varint(0);
    writer.part(text);
    for (let more = 1; more < 1_100; more++) [TEXT_BYTES, 0].forEach((each) => writer.varint(each));
    writer.raw(Uint8Array.of(0, 0));
  });
}

/** Series of 4,096 columns each, all of another quantity; then shapes of all the columns. */
function wideSeries(series: number, shapes: number): Uint8Array {
  return bytes((writer) => {
    writer.varint(series);
    for (let at = 0; at < series; at++)
      [0, 1, 65 + (at % 26)].forEach((each) => writer.varint(each));
    writer.varint(series);
    for (let at = 0; at < series; at++) {
      [2, at + 1, 1, at === 0 ? SERIES_COLUMNS : 0].forEach((each) => writer.varint(each));
      // The others have the fields of the first.
      if (at === 0) for (let field = 0; field < SERIES_COLUMNS; field++) writer.varint(2 * field);
    }
    writeShapes(writer, series * SERIES_COLUMNS, shapes);
  });
}

function writeShapes(writer: ByteWriter, columns: number, shapes: number): void {
  writer.varint(shapes);
  for (let at = 0; at < shapes; at++) {
    writer.varint(columns);
    writer.raw(new Uint8Array(columns));
  }
}

/** Series of 256 parts each, all the same. */
function partsOf(series: number, isFirst: boolean): Uint8Array {
  return bytes((writer) => {
    writer.raw(isFirst ? Uint8Array.of(1, 0, 1, 120) : Uint8Array.of(0));
    writer.varint(series);
    for (let at = 0; at < series; at++) {
      writer.varint(256);
      writer.raw(new Uint8Array(256).fill(isFirst && at === 0 ? 1 : 0));
      writer.raw(Uint8Array.of(1, 0));
    }
    writer.varint(0);
  });
}

/** Each batch is small, and right by itself. */
function growth(): Input[] {
  /** A key batch, and others behind it. */
  const run = (first: Uint8Array, ...others: Uint8Array[]) => {
    const script = new Script();
    return [
      packedPayload(first, noGroups(script)),
      ...others.map((definitions) =>
        payload({ flags: 6, definitions: squeeze(definitions), rest: noGroups(script) }),
      ),
    ];
  };
  const moreShapes = bytes((writer) => {
    writer.raw(Uint8Array.of(0, 0));
    writeShapes(writer, 244 * SERIES_COLUMNS, 3);
  });
  return [
    refused("dictionary-texts-that-share-64-kib-each", packing(equalTexts())),
    refused("dictionary-columns-that-multiply", packing(wideSeries(250, 0))),
    refused("dictionary-shapes-that-multiply", ...run(wideSeries(244, 2), moreShapes)),
    refused(
      "dictionary-grows-for-ever",
      ...run(partsOf(8_000, true), ...Array.from({ length: 5 }, () => partsOf(8_000, false))),
    ),
  ];
}

export const hostileDefinitions = (): Input[] => [...heads(), ...lies(), ...growth()];

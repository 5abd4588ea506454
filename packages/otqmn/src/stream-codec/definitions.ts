/**
 * New definitions of a batch as bytes: texts (what they share with the one before, and the rest), series (each part as 0 for
 * that of the series before, else the text's number and 1), shapes (steps between columns).
 */
import { isUtf8 } from "node:buffer";

import type { ByteReader, ByteWriter } from "../bytes.ts";
import { CodecError } from "../bytes.ts";
import type { Dictionary } from "./dictionary.ts";
import type { NumberedSeries } from "./series-list.ts";
import { FIELD_MAX, PARTS_LEAST, PARTS_MAX, SERIES_COLUMNS_MAX, TEXT_MAX_BYTES } from "./limits.ts";

/** How many of each the other side has been told. */
export interface Told {
  texts: number;
  series: number;
  shapes: number;
}

export function writeDefinitions(writer: ByteWriter, dictionary: Dictionary, told: Told): void {
  const { texts, series, shapes } = dictionary;
  writer.varint(texts.length - told.texts);
  let before = Buffer.from(texts[told.texts - 1] ?? "");
  for (let index = told.texts; index < texts.length; index++) {
    const text = Buffer.from(texts[index]!);
    let shared = 0;
    while (shared < before.length && before[shared] === text[shared]) shared++;
    writer.varint(shared);
    writer.varint(text.length - shared);
    writer.raw(text.subarray(shared));
    before = text;
  }
  writer.varint(series.length - told.series);
  let previous: Pick<NumberedSeries, "parts" | "fields"> | undefined = series.at(told.series - 1);
  for (let index = told.series; index < series.length; index++) {
    const { parts, fields } = series.at(index)!;
    writer.varint(parts.length);
    parts.forEach((text, at) => writer.varint(previous?.parts[at] === text ? 0 : text + 1));
    const isSame =
      previous?.fields.length === fields.length &&
      fields.every((field, at) => field === previous?.fields[at]);
    writer.varint(isSame ? 0 : fields.length);
    if (!isSame) for (const field of fields) writer.varint(field);
    previous = { parts, fields };
  }
  writer.varint(shapes.length - told.shapes);
  for (let index = told.shapes; index < shapes.length; index++) {
    writer.varint(shapes.size(index));
    let next = 0;
    for (const column of shapes.columns.subarray(shapes.from(index), shapes.end(index))) {
      writer.varint(column - next);
      next = column + 1;
    }
  }
}

/** Throws CodecError. */
export function readDefinitions(reader: ByteReader, dictionary: Dictionary): void {
  readTexts(reader, dictionary);
  readSeries(reader, dictionary);
  readShapes(reader, dictionary);
  reader.end("definitions");
}

function readTexts(reader: ByteReader, dictionary: Dictionary): void {
  let before = Buffer.from(dictionary.texts.at(-1) ?? "");
  for (let left = reader.count("texts", reader.remaining); left > 0; left--) {
    const shared = reader.count("shared bytes", before.length);
    const rest = reader.raw(reader.count("text length", TEXT_MAX_BYTES - shared), "text");
    before = Buffer.concat([before.subarray(0, shared), rest]);
    if (!isUtf8(before)) throw new CodecError("text: got bytes that are not UTF-8");
    dictionary.addText(before.toString("utf8"), before.length);
  }
}

function readSeries(reader: ByteReader, dictionary: Dictionary): void {
  for (let left = reader.count("series", reader.remaining); left > 0; left--) {
    const previous = dictionary.series.at(dictionary.series.length - 1);
    const parts = readParts(reader, dictionary.texts.length, previous?.parts);
    dictionary.addSeries(parts, readFields(reader, previous?.fields));
  }
}

function readParts(reader: ByteReader, texts: number, before: readonly number[] = []): number[] {
  const count = reader.count("parts", PARTS_MAX);
  if (count < PARTS_LEAST)
    throw new CodecError(`parts of a series: got ${count}, expected at least ${PARTS_LEAST}`);
  const parts: number[] = [];
  for (let at = 0; at < count; at++) {
    const number = reader.count("part", texts);
    const text = number === 0 ? before[at] : number - 1;
    if (text === undefined)
      throw new CodecError(`part ${at}: got that of the series before, which has none`);
    parts.push(text);
  }
  return parts;
}

function readFields(reader: ByteReader, before: readonly number[] | undefined): readonly number[] {
  const count = reader.count("columns", SERIES_COLUMNS_MAX);
  if (count === 0) {
    if (before) return before;
    throw new CodecError("columns: got those of the series before, which is not there");
  }
  const fields: number[] = [];
  for (let at = 0; at < count; at++) fields.push(reader.count("field", 2 * FIELD_MAX + 1));
  return fields;
}

function readShapes(reader: ByteReader, dictionary: Dictionary): void {
  for (let left = reader.count("shapes", reader.remaining); left > 0; left--) {
    const shape = new Uint32Array(reader.count("columns of a shape", reader.remaining));
    if (shape.length === 0) throw new CodecError("columns of a shape: got 0, expected at least 1");
    let next = 0;
    for (let at = 0; at < shape.length; at++) {
      const column = next + reader.varint("column");
      if (column >= dictionary.columns)
        throw new CodecError(`column: got ${column}, expected less than ${dictionary.columns}`);
      shape[at] = column;
      next = column + 1;
    }
    dictionary.addShape(shape);
  }
}

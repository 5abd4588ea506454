/** What both sides of a stream know since the last key batch: texts, series with their columns, and shapes. */
import { CodecError } from "../bytes.ts";
import { grown, trimmed } from "./grown.ts";
import type { StreamLimits } from "./limits.ts";
import type { SeriesDefinition } from "./series-definition.ts";
import { shared } from "./shared-numbers.ts";
import { SeriesList } from "./series-list.ts";
import type { Shape } from "./shape-list.ts";
import { ShapeList } from "./shape-list.ts";

const FLOAT = 0;
/** Of memory, in a decoder: see the benchmark of the collector's memory. */
const COLUMN_BYTES = 48;
const TEXT_BYTES = 40;
const PART_BYTES = 4;
const SHAPE_BYTES = 128;

interface Room {
  next: number;
  end: number;
  columns: number;
}

export class Dictionary {
  readonly limits: StreamLimits;
  readonly texts: string[] = [];
  readonly series = new SeriesList();
  readonly shapes = new ShapeList();
  /** By column: which context models it. */
  contexts = new Uint16Array(16);
  /** By column: where what is remembered of it stands. Columns of a context stand next to one another, as they are read. */
  places = new Uint32Array(16);
  /** By place: 1 for integers. */
  areInts = new Uint8Array(16);
  columns = 0;
  /** Beyond all places. */
  placesEnd = 0;
  /** By context: places that it has beside those in use, and those in use. */
  readonly #rooms: Room[] = [];
  #textBytes = 0;
  #shapeColumns = 0;
  #parts = 0;
  readonly #contextOf = new Map<number, number>();

  constructor(limits: StreamLimits) {
    this.limits = limits;
  }

  /** About what all this takes, with what the values of each column and the times of each shape take beside it. */
  get bytes(): number {
    return (
      COLUMN_BYTES * this.columns +
      TEXT_BYTES * this.texts.length +
      2 * this.#textBytes +
      PART_BYTES * this.#parts +
      SHAPE_BYTES * this.shapes.length +
      4 * this.#shapeColumns
    );
  }

  get contextCount(): number {
    return Math.min(this.#contextOf.size, this.limits.contextsMax);
  }

  /** Throws CodecError beyond a limit. */
  addText(text: string, bytes: number): number {
    this.#textBytes += bytes;
    this.#check("texts", this.texts.length + 1, this.limits.textsMax);
    this.#check("bytes of texts", this.#textBytes, this.limits.textsMaxBytes);
    return this.texts.push(text) - 1;
  }

  /** @param fields of its columns: twice the field, and 1 more for integers. @returns the number of the first column. */
  addSeries(parts: readonly number[], fields: readonly number[]): number {
    const firstColumn = this.columns;
    this.#parts += parts.length;
    this.#check("parts of series", this.#parts, this.limits.partsMax);
    this.#check("columns", firstColumn + fields.length, this.limits.columnsMax);
    this.#reserve(firstColumn + fields.length);
    for (const field of fields) {
      const context = this.#context(parts[0]!, field);
      const place = this.#place(context);
      this.contexts[this.columns] = context;
      this.places[this.columns++] = place;
      this.areInts[place] = field & 1;
    }
    this.series.push({ parts, firstColumn, fields });
    return firstColumn;
  }

  addShape(shape: Shape): number {
    this.#shapeColumns += shape.length;
    this.#check("shapes", this.shapes.length + 1, this.limits.shapesMax);
    this.#check("columns of shapes", this.#shapeColumns, this.limits.shapeColumnsMax);
    this.shapes.push(shape);
    return this.shapes.length - 1;
  }

  /** Keeps no room for more: the first batch of a stream defines all that it has, as a rule. */
  settle(): void {
    this.series.settle();
    this.shapes.settle();
    // Full, and so not written to.
    this.contexts = shared(trimmed(this.contexts, this.columns));
    this.places = shared(trimmed(this.places, this.columns));
    this.areInts = trimmed(this.areInts, this.placesEnd);
  }

  definition(series: number): SeriesDefinition & { firstColumn: number } {
    const { parts, firstColumn, fields } = this.series.at(series)!;
    return {
      firstColumn,
      parts: parts.map((text) => this.texts[text]!),
      columns: fields.map((field) => ({
        type: (field & 1) === FLOAT ? "float" : "int",
        field: field >> 1,
      })),
    };
  }

  /** Columns of one quantity and field share one; beyond the limit, quantities share too. */
  #context(quantity: number, field: number): number {
    const key = quantity * 131_072 + field;
    const known = this.#contextOf.get(key);
    if (known !== undefined) return known;
    const context = this.#contextOf.size % this.limits.contextsMax;
    this.#contextOf.set(key, context);
    return context;
  }

  /** A context that is full gets room for a quarter of the columns that it has. */
  #place(context: number): number {
    const room = (this.#rooms[context] ??= { next: 0, end: 0, columns: 0 });
    if (room.next === room.end) {
      room.next = this.placesEnd;
      room.end = this.placesEnd += Math.max(1, room.columns >> 2);
      if (this.placesEnd > this.areInts.length) this.areInts = grown(this.areInts, this.placesEnd);
    }
    room.columns++;
    return room.next++;
  }

  #reserve(columns: number): void {
    if (columns <= this.contexts.length) return;
    this.contexts = grown(this.contexts, columns);
    this.places = grown(this.places, columns);
  }

  #check(what: string, got: number, max: number): void {
    if (got > max)
      throw new CodecError(`${what} since the key batch: got ${got}, expected at most ${max}`);
  }
}

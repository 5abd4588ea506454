/**
 * Series by their numbers, as bytes: a stream has thousands, most of which are like the one before. Each part is 0 for that of the series
 * before, else the text's number and 1; no fields are those of the series before. Every 64th stands by itself, behind its first column.
 */
import { grown, trimmed } from "./grown.ts";
import { shared } from "./shared-numbers.ts";

export interface NumberedSeries {
  /** Numbers of texts. */
  readonly parts: readonly number[];
  /** That behind the last one of the series before. */
  readonly firstColumn: number;
  /** Of its columns: twice the field, and 1 more for integers. */
  readonly fields: readonly number[];
}

const BY_ITSELF = 64;
const VARINT_MAX_BYTES = 8;

export class SeriesList {
  #bytes = new Uint8Array(64);
  #end = 0;
  #length = 0;
  /** Where those begin that stand by themselves. */
  readonly #starts: number[] = [];
  #last: NumberedSeries | undefined;
  /** What was asked for last: who asks goes on from there, as a rule. */
  #asked: NumberedSeries | undefined;
  #askedNumber = -1;
  /** Where what is read begins. */
  #at = 0;

  get length(): number {
    return this.#length;
  }

  /** Undefined when there is none. */
  at(number: number): NumberedSeries | undefined {
    if (number < 0 || number >= this.#length) return undefined;
    if (number === this.#length - 1) return this.#last;
    if (number === this.#askedNumber) return this.#asked;
    const start = number - (number % BY_ITSELF);
    if (this.#askedNumber < start || this.#askedNumber > number) {
      this.#askedNumber = start - 1;
      this.#at = this.#starts[start / BY_ITSELF]!;
    }
    while (this.#askedNumber < number) {
      this.#askedNumber++;
      this.#asked = this.#read(this.#askedNumber % BY_ITSELF === 0 ? undefined : this.#asked);
    }
    return this.#asked;
  }

  push(series: NumberedSeries): void {
    const { parts, fields, firstColumn } = series;
    const isByItself = this.#length++ % BY_ITSELF === 0;
    const before = isByItself ? undefined : this.#last;
    const room = this.#end + VARINT_MAX_BYTES * (parts.length + fields.length + 3);
    if (room > this.#bytes.length) this.#bytes = grown(this.#bytes, room);
    if (isByItself) {
      this.#starts.push(this.#end);
      this.#write(firstColumn);
    }
    this.#write(parts.length);
    parts.forEach((part, at) => this.#write(before?.parts[at] === part ? 0 : part + 1));
    const isSame = before !== undefined && isEqual(before.fields, fields);
    this.#write(isSame ? 0 : fields.length);
    if (!isSame) for (const field of fields) this.#write(field);
    this.#last = series;
  }

  /** Keeps no room for more. What is full is not written to. */
  settle(): void {
    this.#bytes = shared(trimmed(this.#bytes, this.#end));
  }

  #read(before: NumberedSeries | undefined): NumberedSeries {
    const firstColumn = before ? before.firstColumn + before.fields.length : this.#number();
    const parts: number[] = [];
    for (let left = this.#number(); left > 0; left--) {
      const part = this.#number();
      parts.push(part === 0 ? before!.parts[parts.length]! : part - 1);
    }
    const count = this.#number();
    if (count === 0) return { parts, firstColumn, fields: before!.fields };
    return { parts, firstColumn, fields: Array.from({ length: count }, () => this.#number()) };
  }

  /** 7 bits a byte, least first. */
  #write(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80))
      this.#bytes[this.#end++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#end++] = rest;
  }

  #number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}

function isEqual(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((each, at) => each === right[at]);
}

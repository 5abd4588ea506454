/** One map of the file, read key by key. What nobody asked for is unknown, and said so. */
import { nearest } from "@glassline/config/nearest";

import { durationMs } from "./duration.ts";
import type { Lookup } from "./lookup.ts";
import { expand } from "./lookup.ts";
import type { Place, Tree } from "./yaml-tree.ts";

/** What is gathered while a file is read. */
export interface Reading {
  /** The file's name, for people. */
  file: string;
  lookup: Lookup;
  problems: string[];
  /** What is accepted but means something else here, for the log. */
  notes: string[];
}

export class Section {
  readonly path: string;
  readonly place: Place;
  readonly reading: Reading;
  readonly #values: ReadonlyMap<string, { place: Place; value: Tree }>;
  readonly #known = new Set<string>();

  /** @param tree a map, or nothing at all. */
  constructor(tree: Tree, path: string, reading: Reading) {
    this.place = { line: tree.line, column: tree.column };
    [this.path, this.reading] = [path, reading];
    const isEmpty = tree.kind === "text" && tree.isNull;
    if (tree.kind !== "map" && !isEmpty) this.problem(tree, got(tree), "names and values");
    const entries = tree.kind === "map" ? tree.entries : [];
    this.#values = new Map(entries.map(({ key, place, value }) => [key, { place, value }]));
  }

  get keys(): string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    this.#known.add(key);
    return this.#values.has(key);
  }

  placeOf(key: string): Place {
    return this.#values.get(key)?.place ?? this.place;
  }

  whereOf(key: string): string {
    return where(this.reading, this.placeOf(key));
  }

  /** Empty when it is not there. */
  section(key: string): Section {
    const value = this.#value(key) ?? { kind: "text", text: "", isNull: true, ...this.place };
    return new Section(value, this.#pathOf(key), this.reading);
  }

  /** Undefined when it is not there, or not a text. The text itself never gets into a message. */
  secret(key: string): string | undefined {
    const value = this.#value(key);
    if (!value) return undefined;
    if (value.kind !== "text" || value.isNull) {
      this.problem(value, value.kind === "text" ? "nothing" : `a ${value.kind}`, "a text", key);
      return undefined;
    }
    try {
      return expand(value.text, this.reading.lookup);
    } catch (error) {
      this.say(value, this.#pathOf(key), (error as Error).message);
      return undefined;
    }
  }

  /** Read as `parse` does, which throws an Error that says what is expected. */
  value<T>(key: string, parse: (text: string) => T): T | undefined {
    const text = this.secret(key);
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      this.problem(this.#value(key)!, this.#written(key), (error as Error).message, key);
      return undefined;
    }
  }

  text(key: string): string | undefined {
    return this.value(key, (text) => {
      if (text === "") throw new Error("a text that is not empty");
      return text;
    });
  }

  integer(key: string, min: number, max: number): number | undefined {
    return this.value(key, (text) => {
      const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(number >= min && number <= max))
        throw new Error(`a whole number from ${min} to ${max}`);
      return number;
    });
  }

  durationMs(key: string): number | undefined {
    return this.value(key, durationMs);
  }

  toggle(key: string): boolean | undefined {
    return this.value(key, (text) => {
      if (!/^(true|false)$/i.test(text)) throw new Error("true or false");
      return text.toLowerCase() === "true";
    });
  }

  choice<const T extends string>(key: string, of: readonly T[]): T | undefined {
    return this.value(key, (text) => {
      const found = of.find((word) => word === text.toLowerCase());
      if (found === undefined) throw new Error(`one of ${of.join(", ")}${meant(text, of)}`);
      return found;
    });
  }

  /** A file's content. */
  content(key: string): string | undefined {
    return this.value(key, (path) => this.reading.lookup.readFile(path));
  }

  /** Texts of a list, with their places. */
  texts(key: string): { text: string; place: Place }[] {
    const value = this.#value(key);
    if (!value || (value.kind === "text" && value.isNull)) return [];
    if (value.kind !== "list") {
      this.problem(value, got(value), "a list", key);
      return [];
    }
    return value.items.flatMap((item) => {
      if (item.kind === "text" && !item.isNull) return [{ text: item.text, place: item }];
      this.problem(item, got(item), "a text", key);
      return [];
    });
  }

  /** Known, but not to be had here. */
  refuse(key: string, why: string): void {
    if (this.has(key)) this.say(this.placeOf(key), this.#pathOf(key), `not supported: ${why}`);
  }

  /** Known, but without the effect that it has elsewhere. */
  note(key: string, what: string): void {
    if (this.has(key))
      this.reading.notes.push(`${this.whereOf(key)}: ${this.#pathOf(key)}: ${what}`);
  }

  /** Everything was asked for: what is left is unknown. */
  end(): void {
    const known = [...this.#known];
    for (const [key, { place }] of this.#values) {
      if (this.#known.has(key)) continue;
      const expected = known.length === 0 ? "nothing" : `one of ${known.join(", ")}`;
      this.problem(place, JSON.stringify(key), `${expected}${meant(key, known)}`);
    }
  }

  problem(place: Place, what: string, expected: string, key?: string): void {
    this.say(
      place,
      key === undefined ? this.path : this.#pathOf(key),
      `got ${what}, expected ${expected}`,
    );
  }

  say(place: Place, path: string, what: string): void {
    this.reading.problems.push(
      `${where(this.reading, place)}: ${path === "" ? "" : `${path}: `}${what}.`,
    );
  }

  #value(key: string): Tree | undefined {
    return this.has(key) ? this.#values.get(key)!.value : undefined;
  }

  #pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** As in the file: what a variable holds may be secret. */
  #written(key: string): string {
    return got(this.#values.get(key)!.value);
  }
}

export const where = ({ file }: Reading, { line, column }: Place): string =>
  `${file}:${line}:${column}`;

export function meant(word: string, known: readonly string[]): string {
  const found = nearest(word, known);
  return found === undefined ? "" : ` (did you mean ${found}?)`;
}

function got(tree: Tree): string {
  if (tree.kind !== "text") return `a ${tree.kind}`;
  return tree.isNull ? "nothing" : JSON.stringify(tree.text);
}

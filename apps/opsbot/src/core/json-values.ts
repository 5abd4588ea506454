/** Values of JSON that nobody vouches for. Pure. */

/** What is wrong with it: what was got, and what was expected. */
export class MalformedJson extends Error {
  override readonly name = "MalformedJson";
}

export type Json = Readonly<Record<string, unknown>>;

/** As Icinga stores names: longer ones make no file name. */
const TEXT_MAX_CHARS = 512;
/** A name of Glassline, in a custom variable of Icinga. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const SHOWN_CHARS = 60;
const MICRO_PER_SECOND = 1e6;
const NANO_PER_MICRO = 1_000n;
/** The year 2255: what is above is no time. */
const TIME_MAX_SECONDS = 9e9;

export function record(value: unknown, what: string): Json {
  if (isRecord(value)) return value;
  return refuse(what, value, "an object");
}

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function list(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(what, value, "a list");
}

export function text(from: Json, key: string): string {
  const value = from[key];
  if (typeof value === "string" && value !== "" && value.length <= TEXT_MAX_CHARS) return value;
  return refuse(key, value, `a text of 1 to ${TEXT_MAX_CHARS} characters`);
}

export function word(from: Json, key: string): string {
  const value = from[key];
  if (typeof value === "string" && WORD.test(value)) return value;
  return refuse(key, value, "letters, digits, dots and hyphens");
}

/** Icinga's numbers are doubles, whole ones too. */
export function count(from: Json, key: string): number {
  const value = from[key];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(key, value, "a whole number");
}

export function flag(from: Json, key: string): boolean {
  const value = from[key];
  return typeof value === "boolean" ? value : refuse(key, value, "true or false");
}

/** Seconds since 1970, or -1 for never, as Unix nanoseconds. A double holds microseconds of these years. */
export function time(from: Json, key: string): bigint {
  const value = from[key];
  if (typeof value !== "number" || !(value >= -1 && value < TIME_MAX_SECONDS))
    return refuse(key, value, "seconds since 1970");
  return BigInt(Math.round(Math.max(0, value) * MICRO_PER_SECOND)) * NANO_PER_MICRO;
}

/** Throws MalformedJson. */
export function refuse(what: string, got: unknown, expected: string): never {
  const shown = (JSON.stringify(got) ?? "nothing").slice(0, SHOWN_CHARS);
  throw new MalformedJson(`${what}: got ${shown}, expected ${expected}`);
}

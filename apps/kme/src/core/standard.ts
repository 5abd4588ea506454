/** What SAEs may ask of a key manager, and in which words it refuses: ETSI GS QKD 014 V1.1.1, sections 5 and 6. */
import { isKeyId } from "@glassline/quantum/key-delivery/messages";

/** Only these exist beside 200 (section 5). */
export type Refusal =
  | { status: 400; message: string; details?: readonly Readonly<Record<string, string>>[] }
  /** Its body has no model. */
  | { status: 401 }
  | { status: 503; message: string };

/** Thrown where a request cannot be answered. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super("message" in refusal ? refusal.message : "unauthorized");
    this.refusal = refusal;
  }
}

export const bad = (message: string, details?: Readonly<Record<string, string>>): Refused =>
  new Refused({ status: 400, message, ...(details && { details: [details] }) });
export const unauthorized = (): Refused => new Refused({ status: 401 });
export const unavailable = (message: string): Refused => new Refused({ status: 503, message });

export interface KeyLimits {
  /** Of a key, when a request names none. */
  sizeBits: number;
  minSizeBits: number;
  maxSizeBits: number;
  maxKeysPerRequest: number;
  /** Of additional slaves. */
  maxSaeIds: number;
}

export interface WantedKeys {
  number: number;
  sizeBytes: number;
  /** They get the same keys. */
  additionalSlaveSaeIds: readonly string[];
}

const NOT_FOUND = "one or more keys specified are not found on KME";

/** @param asked a JSON object, or a query as one: both have the same names. Throws Refused. */
export function wantedKeys(asked: unknown, limits: KeyLimits): WantedKeys {
  const request = objectOf(asked, "key request");
  const additional = namesOf(request["additional_slave_SAE_IDs"], "additional_slave_SAE_IDs");
  if (additional.length > limits.maxSaeIds)
    throw bad(
      `additional_slave_SAE_IDs: got ${additional.length}, expected ${limits.maxSaeIds} at most`,
    );
  if (listOf(request["extension_mandatory"], "extension_mandatory").length > 0)
    throw bad("not all extension_mandatory parameters are supported");
  const number = countOf(request["number"], "number") ?? 1;
  const size = countOf(request["size"], "size") ?? limits.sizeBits;
  if (number > limits.maxKeysPerRequest)
    throw bad(`number: got ${number}, expected 1 to ${limits.maxKeysPerRequest}`);
  if (size % 8 !== 0) throw bad("size shall be a multiple of 8");
  if (size < limits.minSizeBits || size > limits.maxSizeBits)
    throw bad(`size: got ${size}, expected ${limits.minSizeBits} to ${limits.maxSizeBits}`);
  return { number, sizeBytes: size / 8, additionalSlaveSaeIds: additional };
}

/** @param asked a JSON object (section 6.4). Throws Refused. */
export function wantedIds(asked: unknown, limits: KeyLimits): string[] {
  const { key_IDs: list } = objectOf(asked, "key IDs");
  if (!Array.isArray(list) || list.length === 0)
    throw bad("key_IDs: got none, expected a list of objects with key_ID");
  if (list.length > limits.maxKeysPerRequest)
    throw bad(`key_IDs: got ${list.length}, expected 1 to ${limits.maxKeysPerRequest}`);
  return list.map((one: unknown, at) => keyIdOf(objectOf(one, `key_IDs[${at}]`)["key_ID"]));
}

/** What is no UUID is no key of this key manager. Throws Refused. */
export function keyIdOf(asked: unknown): string {
  if (!isKeyId(asked)) throw notFound(typeof asked === "string" ? asked : undefined);
  return asked.toLowerCase();
}

export const notFound = (id: string | undefined): Refused =>
  bad(NOT_FOUND, id === undefined ? undefined : { key_ID: id.slice(0, 100) });

function objectOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw bad(`${name}: got something else, expected a JSON object`);
}

function listOf(value: unknown, name: string): unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value as unknown[];
  throw bad(`${name}: got something else, expected a list`);
}

/** Each once. */
function namesOf(value: unknown, name: string): string[] {
  const list = listOf(value, name);
  const strange = list.find((one) => typeof one !== "string" || one === "");
  if (strange !== undefined)
    throw bad(`${name}: got ${JSON.stringify(strange).slice(0, 40)}, expected a name`);
  return [...new Set(list as string[])];
}

/** Of a query the numbers are texts. */
function countOf(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  const count = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof count === "number" && Number.isSafeInteger(count) && count > 0) return count;
  throw bad(`${name}: got ${JSON.stringify(value).slice(0, 40)}, expected a whole number from 1`);
}

/**
 * Messages of the key delivery API, ETSI GS QKD 014 V1.1.1 (2019-02), sections 5 and 6: strict in what is written, forgiving in what is read.
 * Sizes are in bits there, and here where a name says so.
 */

/** Section 6.1. */
export interface KeyManagerStatus {
  sourceKmeId: string;
  targetKmeId: string;
  masterSaeId: string;
  slaveSaeId: string;
  keySizeBits: number;
  storedKeyCount: number;
  maxKeyCount: number;
  maxKeysPerRequest: number;
  maxKeySizeBits: number;
  minKeySizeBits: number;
  maxSaeIdCount: number;
  /** What the standard leaves to key managers ("status_extension"); Glassline's own tells of its link. */
  extension?: StatusExtension;
}

export interface StatusExtension {
  /** Share of wrong bits in the last block. */
  qber?: number;
}

/** Section 6.2. */
export interface KeyRequest {
  /** Keys; 1 when it is left out. */
  number?: number;
  /** Of each; the key manager's own when it is left out. */
  sizeBits?: number;
  additionalSlaveSaeIds?: readonly string[];
}

/** Section 6.3. */
export interface DeliveredKey {
  /** UUID. */
  id: string;
  key: Uint8Array;
}

/** An answer that is not what the standard says it is. */
export class MessageError extends Error {
  override readonly name = "MessageError";
}

const STRINGS = {
  sourceKmeId: "source_KME_ID",
  targetKmeId: "target_KME_ID",
  masterSaeId: "master_SAE_ID",
  slaveSaeId: "slave_SAE_ID",
} as const;
const INTEGERS = {
  keySizeBits: "key_size",
  storedKeyCount: "stored_key_count",
  maxKeyCount: "max_key_count",
  maxKeysPerRequest: "max_key_per_request",
  maxKeySizeBits: "max_key_size",
  minKeySizeBits: "min_key_size",
  maxSaeIdCount: "max_SAE_ID_count",
} as const;

/** RFC 9562 section 4. */
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}(?:==)?|[A-Za-z\d+/]{3}=?)?$/;
const SHOWN_CHARS = 60;

export const isKeyId = (text: unknown): text is string =>
  typeof text === "string" && UUID.test(text);

export function writeStatus(status: KeyManagerStatus): object {
  const names = Object.entries({ ...STRINGS, ...INTEGERS }) as [keyof KeyManagerStatus, string][];
  const { extension } = status;
  return {
    ...Object.fromEntries(names.map(([key, name]) => [name, status[key]])),
    ...(extension && { status_extension: extension }),
  };
}

/** @param json anything. Throws MessageError. */
export function readStatus(json: unknown): KeyManagerStatus {
  const told = objectOf(json, "status");
  const strings = Object.entries(STRINGS).map(([key, name]) => [key, stringOf(told[name], name)]);
  const integers = Object.entries(INTEGERS).map(([key, name]) => [key, countOf(told[name], name)]);
  const extension = extensionOf(told["status_extension"]);
  return {
    ...(Object.fromEntries([...strings, ...integers]) as KeyManagerStatus),
    ...(extension && { extension }),
  };
}

/** Others put there what they like: only what is meant as Glassline means it counts. */
function extensionOf(told: unknown): StatusExtension | undefined {
  if (typeof told !== "object" || told === null || !("qber" in told)) return undefined;
  const { qber } = told;
  return typeof qber === "number" && qber >= 0 && qber <= 1 ? { qber } : undefined;
}

/** What is left out has its default, as some key managers do not read what has been given (section 6.2). */
export function writeKeyRequest({ number, sizeBits, additionalSlaveSaeIds = [] }: KeyRequest) {
  return {
    ...(number !== undefined && { number }),
    ...(sizeBits !== undefined && { size: sizeBits }),
    ...(additionalSlaveSaeIds.length > 0 && { additional_slave_SAE_IDs: additionalSlaveSaeIds }),
  };
}

/** Section 6.4. */
export const writeKeyIds = (ids: readonly string[]) => ({
  key_IDs: ids.map((id) => ({ key_ID: id })),
});

export const writeKeys = (keys: readonly DeliveredKey[]) => ({
  keys: keys.map(({ id, key }) => ({ key_ID: id, key: Buffer.from(key).toString("base64") })),
});

/** @param json anything; a table of the standard prints "Keys". Throws MessageError, which tells nothing of a key. */
export function readKeys(json: unknown): DeliveredKey[] {
  const told = objectOf(json, "key container");
  const list = told["keys"] ?? told["Keys"];
  if (!Array.isArray(list)) throw new MessageError(`keys: got ${kindOf(list)}, expected a list`);
  const keys = list.map((one: unknown, at) => readKey(one, at));
  const ids = new Set(keys.map(({ id }) => id));
  if (ids.size < keys.length)
    throw new MessageError("keys: got one key_ID twice, expected each once");
  return keys;
}

function readKey(json: unknown, at: number): DeliveredKey {
  const { key_ID: id, key: text } = objectOf(json, `keys[${at}]`);
  if (!isKeyId(id)) throw new MessageError(`keys[${at}].key_ID: got ${shown(id)}, expected a UUID`);
  if (typeof text !== "string" || text === "" || !BASE64.test(text))
    throw new MessageError(`keys[${at}].key: got ${kindOf(text)} that is not Base64`);
  return { id: id.toLowerCase(), key: Uint8Array.from(Buffer.from(text, "base64")) };
}

/** What an error says (section 6.5); undefined: it says nothing that is meant for people. */
export function readErrorMessage(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null || !("message" in json)) return undefined;
  return typeof json.message === "string" ? printable(json.message) : undefined;
}

function objectOf(json: unknown, name: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new MessageError(`${name}: got ${kindOf(json)}, expected an object`);
}

function stringOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new MessageError(`${name}: got ${shown(value)}, expected a text`);
}

function countOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new MessageError(`${name}: got ${shown(value)}, expected a whole number from 0`);
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : printable(JSON.stringify(value));
}

/** Of what a stranger said: short, and on one line. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, SHOWN_CHARS * 4);
}

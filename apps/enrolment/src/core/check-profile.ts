/** Whether a profile has the keys that Apple's systems expect, and no others. Pure. */
import type { KeyRule, KeyTable } from "./payload-keys.ts";
import { PAYLOAD_KEYS, PROFILE_KEYS } from "./payload-keys.ts";
import type { PlistDictionary, PlistValue } from "./plist.ts";
import { isData } from "./plist.ts";

/** What is wrong with it, each with the place: "PayloadContent.0.URL: got nothing, expected a string". Empty: nothing. */
export function problemsOfProfile(profile: PlistDictionary): string[] {
  const payloads = Array.isArray(profile["PayloadContent"])
    ? (profile["PayloadContent"] as PlistValue[])
    : [];
  return [
    ...problemsOfKeys(profile, PROFILE_KEYS, ""),
    ...payloads.flatMap((payload, at) => problemsOfPayload(payload, `PayloadContent.${at}.`)),
    ...(isOnce(payloads, "PayloadUUID") && isOnce(payloads, "PayloadIdentifier")
      ? []
      : ["PayloadContent: got payloads with the same name, expected one of each"]),
  ];
}

const isOnce = (payloads: readonly PlistValue[], key: string): boolean =>
  new Set(payloads.map((payload) => (payload as PlistDictionary)[key])).size === payloads.length;

function problemsOfPayload(payload: PlistValue, place: string): string[] {
  if (!isDictionary(payload)) return [];
  const type = payload["PayloadType"];
  const table = typeof type === "string" ? PAYLOAD_KEYS[type] : undefined;
  if (table) return problemsOfKeys(payload, table, place);
  return [problem(`${place}PayloadType`, type, `one of ${Object.keys(PAYLOAD_KEYS).join(", ")}`)];
}

function problemsOfKeys(
  dictionary: PlistDictionary,
  table: KeyTable,
  place: string,
  mayHaveOthers = false,
): string[] {
  const missing = Object.entries(table)
    .filter(([key, { isRequired }]) => isRequired && dictionary[key] === undefined)
    .map(([key, { type }]) => problem(`${place}${key}`, undefined, `a ${type}`));
  const present = Object.entries(dictionary).flatMap(([key, value]) => {
    const rule = Object.hasOwn(table, key) ? table[key] : undefined;
    if (rule) return problemsOfValue(value, rule, `${place}${key}`);
    return mayHaveOthers ? [] : [problem(`${place}${key}`, value, "no such key")];
  });
  return [...missing, ...present];
}

function problemsOfValue(value: PlistValue, rule: KeyRule, place: string): string[] {
  if (rule.type === "array") {
    if (!Array.isArray(value)) return [problem(place, value, "an array")];
    if (value.length < (rule.atLeast ?? 0))
      return [problem(place, value, `at least ${rule.atLeast} of them`)];
    return value.flatMap((one: PlistValue, at) => problemsOfValue(one, rule.of, `${place}.${at}`));
  }
  if (rule.type === "dictionary") {
    if (!isDictionary(value)) return [problem(place, value, "a dictionary")];
    return problemsOfKeys(value, rule.keys, `${place}.`, rule.orOthers);
  }
  if (!isOfType(value, rule.type)) return [problem(place, value, `a ${rule.type}`)];
  const { oneOf } = rule;
  if (!oneOf || oneOf.includes(value as string | number)) return [];
  return [problem(place, value, `one of ${oneOf.join(", ")}`)];
}

function isOfType(value: PlistValue, type: "string" | "integer" | "boolean" | "data"): boolean {
  if (type === "integer") return Number.isSafeInteger(value);
  return type === "data" ? isData(value) : typeof value === type;
}

const isDictionary = (value: PlistValue): value is PlistDictionary =>
  typeof value === "object" && !Array.isArray(value) && !isData(value);

function problem(place: string, got: PlistValue | undefined, expected: string): string {
  const shown = got === undefined ? "nothing" : JSON.stringify(got).slice(0, 64);
  return `${place}: got ${shown}, expected ${expected}`;
}

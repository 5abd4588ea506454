/** Property lists as XML, as Apple's systems read them. Pure. Source: https://www.apple.com/DTDs/PropertyList-1.0.dtd */
import { escapeXml } from "./xml.ts";

/** Bytes, in base64: so that what is the same in many lists is encoded once. */
export interface PlistData {
  readonly base64: string;
}

/** Numbers are whole. */
export type PlistValue =
  | string
  | number
  | boolean
  | PlistData
  | readonly PlistValue[]
  | PlistDictionary;

export interface PlistDictionary {
  readonly [key: string]: PlistValue;
}

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`;

/** Throws RangeError for a number that is not whole. Characters that XML 1.0 has no room for are dropped. */
export function plistOf(dictionary: PlistDictionary): string {
  return `${HEAD}${elementOf(dictionary)}\n</plist>\n`;
}

export const isData = (value: PlistValue): value is PlistData =>
  typeof value === "object" && !Array.isArray(value) && "base64" in value;

/** One value, without the head of a list. */
function elementOf(value: PlistValue): string {
  if (typeof value === "string") return `<string>${escapeXml(value)}</string>`;
  if (typeof value === "boolean") return value ? "<true/>" : "<false/>";
  if (typeof value === "number") return integerOf(value);
  if (Array.isArray(value))
    return `<array>${(value as PlistValue[]).map(elementOf).join("")}</array>`;
  if (isData(value)) return `<data>${value.base64}</data>`;
  let inside = "";
  for (const [key, one] of Object.entries(value))
    inside += `<key>${escapeXml(key)}</key>${elementOf(one)}`;
  return `<dict>${inside}</dict>`;
}

function integerOf(value: number): string {
  if (Number.isSafeInteger(value)) return `<integer>${value}</integer>`;
  throw new RangeError(`a number of a property list: got ${value}, expected a whole one`);
}

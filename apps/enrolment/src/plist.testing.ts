/** Reads property lists strictly, for tests; and as Python's plistlib does, which is built on expat. */
import { execFileSync } from "node:child_process";

import { testWithProgram } from "@glassline/bench/programs/testing";

import type { PlistValue } from "./core/plist.ts";

const PYTHON = process.env["PYTHON"] ?? "/usr/bin/python3";
const OPENSSL = process.env["OPENSSL"] ?? "/usr/bin/openssl";

export const testWithPython = () => testWithProgram(PYTHON);
export const testWithOpenssl = () => testWithProgram(OPENSSL);

export const openssl = (...words: readonly string[]): Buffer =>
  execFileSync(OPENSSL, words, { stdio: ["ignore", "pipe", "pipe"] });

const SCRIPT = `
import base64, json, plistlib, sys
def plain(value):
    if isinstance(value, bytes): return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict): return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list): return [plain(one) for one in value]
    return value
print(json.dumps([plain(plistlib.loads(base64.b64decode(text))) for text in json.load(sys.stdin)]))
`;

export function readByPython(lists: readonly (string | Buffer)[]): PlistValue[] {
  const input = JSON.stringify(lists.map((list) => Buffer.from(list).toString("base64")));
  const output = execFileSync(PYTHON, ["-c", SCRIPT], { input, maxBuffer: 2 ** 28 });
  return JSON.parse(output.toString()) as PlistValue[];
}

const HEAD =
  /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE plist PUBLIC "-\/\/Apple\/\/DTD PLIST 1\.0\/\/EN" "[^"]+">\n<plist version="1\.0">\n([^]*)\n<\/plist>\n$/;
const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&#13;": "\r",
};

/** Throws for all that this app does not write. */
export function readPlist(text: string): PlistValue {
  const body = HEAD.exec(text)?.[1];
  if (body === undefined) throw new Error(`got ${text.slice(0, 80)}, expected a property list`);
  const { value, rest } = readElement(body);
  if (rest !== "") throw new Error(`got ${rest.slice(0, 80)} behind the list, expected nothing`);
  return value;
}

function readElement(text: string): { value: PlistValue; rest: string } {
  const leaf = /^<(string|integer|data)>([^<>]*)<\/\1>/.exec(text);
  if (leaf) return { value: leafOf(leaf[1]!, leaf[2]!), rest: text.slice(leaf[0].length) };
  if (text.startsWith("<true/>")) return { value: true, rest: text.slice(7) };
  if (text.startsWith("<false/>")) return { value: false, rest: text.slice(8) };
  if (text.startsWith("<array>")) return readArray(text.slice(7));
  if (text.startsWith("<dict>")) return readDictionary(text.slice(6));
  throw new Error(`got ${text.slice(0, 80)}, expected an element`);
}

function leafOf(name: string, inside: string): PlistValue {
  if (name === "data") return { base64: inside };
  if (name === "integer") return Number(inside);
  return unescaped(inside);
}

function unescaped(text: string): string {
  return text.replaceAll(/&[^;]*;?/g, (entity) => {
    const character = ENTITIES[entity];
    if (character === undefined) throw new Error(`got ${entity}, expected an entity of XML`);
    return character;
  });
}

function readArray(text: string): { value: PlistValue; rest: string } {
  const found: PlistValue[] = [];
  let rest = text;
  while (!rest.startsWith("</array>")) {
    const one = readElement(rest);
    found.push(one.value);
    rest = one.rest;
  }
  return { value: found, rest: rest.slice(8) };
}

function readDictionary(text: string): { value: PlistValue; rest: string } {
  const found: Record<string, PlistValue> = {};
  let rest = text;
  while (!rest.startsWith("</dict>")) {
    const key = /^<key>([^<>]*)<\/key>/.exec(rest);
    if (!key) throw new Error(`got ${rest.slice(0, 80)}, expected a key`);
    const one = readElement(rest.slice(key[0].length));
    found[unescaped(key[1]!)] = one.value;
    rest = one.rest;
  }
  return { value: found, rest: rest.slice(7) };
}

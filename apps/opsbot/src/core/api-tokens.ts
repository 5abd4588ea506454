/** The list of tokens: a line each, `role name sha256-of-token`. No token is in it. Pure. */
import type { AccessRole } from "../desk.ts";
import { ACCESS_ROLES, roleNamed } from "./access.ts";

export const TOKENS_MAX = 1_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const HASH = /^[0-9a-f]{64}$/;
const SHOWN_CHARS = 40;

export interface TokenEntry {
  role: AccessRole;
  /** For the journal, and for people: no two have the same. */
  name: string;
  /** SHA-256 of the whole token, 64 hexadecimal digits. */
  hash: string;
}

/** What is wrong with a list, and where: "line 3: role: got ..., expected ...". */
export class MalformedTokens extends Error {
  override readonly name = "MalformedTokens";
}

/** Empty lines and those that begin with # are left out. Throws MalformedTokens. */
export function parseTokens(text: string): readonly TokenEntry[] {
  const entries: TokenEntry[] = [];
  const names = new Set<string>();
  for (const [at, line] of text.split("\n").entries()) {
    const words = line.trim();
    if (words === "" || words.startsWith("#")) continue;
    const entry = entryOf(words, `line ${at + 1}`);
    if (names.has(entry.name))
      throw new MalformedTokens(`line ${at + 1}: got ${shown(entry.name)} twice, expected it once`);
    names.add(entry.name);
    entries.push(entry);
  }
  if (entries.length > TOKENS_MAX)
    throw new MalformedTokens(`got ${entries.length} tokens, expected at most ${TOKENS_MAX}`);
  return entries;
}

function entryOf(line: string, place: string): TokenEntry {
  const [role = "", name = "", hash = "", ...more] = line.split(/\s+/);
  if (more.length > 0 || hash === "")
    throw new MalformedTokens(`${place}: expected ROLE NAME SHA256-OF-TOKEN`);
  return {
    role: assertRole(role, place),
    name: assertName(name, `${place}: name`),
    hash: assertHash(hash, place),
  };
}

function assertRole(word: string, place: string): AccessRole {
  const role = roleNamed(word);
  if (role) return role;
  throw new MalformedTokens(
    `${place}: role: got ${shown(word)}, expected ${ACCESS_ROLES.join(", ")}`,
  );
}

/** Throws MalformedTokens. @param place for the message. */
export function assertName(word: string, place: string): string {
  if (NAME.test(word)) return word;
  throw new MalformedTokens(
    `${place}: got ${shown(word)}, expected 1 to 64 letters, digits, dots and hyphens`,
  );
}

/** What is there instead may be a token, and is not shown. */
function assertHash(word: string, place: string): string {
  if (HASH.test(word)) return word;
  throw new MalformedTokens(
    `${place}: hash: got ${word.length} characters, expected 64 hexadecimal digits in lower case: SHA-256 of the token`,
  );
}

export function lineOf({ role, name, hash }: TokenEntry): string {
  return `${role} ${name} ${hash}\n`;
}

const shown = (word: string) => JSON.stringify(word.slice(0, SHOWN_CHARS));

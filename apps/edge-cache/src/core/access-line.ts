/**
 * A line of the access log: the Combined Log Format of Apache and nginx, and behind it, in quotes, how it was served and the time to the
 * first byte. Pure. Source: https://httpd.apache.org/docs/2.4/logs.html#combined; escapes as nginx writes them (`escape=default`).
 */
import { redacted } from "./token-query.ts";

export interface AccessEntry {
  /** Unix milliseconds, when the request came. */
  timeMs: number;
  remoteAddress: string;
  /** Who showed a token; undefined: nobody. */
  client: string | undefined;
  method: string;
  target: string;
  /** "1.1" */
  httpVersion: string;
  status: number;
  /** Of the body. */
  sentBytes: number;
  referer: string | undefined;
  userAgent: string | undefined;
  /** "hit", "miss", ... */
  result: string;
  /** Milliseconds. */
  firstByteMs: number;
}

/** Characters before they are escaped. */
const TARGET_MAX = 1_024;
const REFERER_MAX = 512;
const USER_AGENT_MAX = 256;
const WORD_MAX = 64;
/** The whole, with its line end: what a pipe takes in one piece (PIPE_BUF of Linux). */
export const LINE_MAX_BYTES = 4_096;

/** Without a line end, in ASCII. */
export function accessLine(entry: AccessEntry): string {
  const { client, method, target, httpVersion, status, sentBytes } = entry;
  const request = `${escaped(method, WORD_MAX)} ${escaped(redacted(target), TARGET_MAX)} HTTP/${httpVersion}`;
  const user = !client ? "-" : escaped(utf8(client), WORD_MAX).replaceAll(" ", "\\x20");
  const line = [
    `${entry.remoteAddress || "-"} - ${user} [${timeText(entry.timeMs)}]`,
    `"${request}" ${status} ${sentBytes}`,
    quoted(entry.referer && redacted(entry.referer), REFERER_MAX),
    quoted(entry.userAgent && redacted(entry.userAgent), USER_AGENT_MAX),
    quoted(entry.result, WORD_MAX),
    `"${entry.firstByteMs.toFixed(2)}"`,
  ].join(" ");
  if (line.length < LINE_MAX_BYTES) return line;
  // Escapes take four characters for one: then what a client made up is left out.
  return accessLine({ ...entry, target: "-", referer: undefined, userAgent: undefined });
}

function quoted(text: string | undefined, most: number): string {
  return text ? `"${escaped(text, most)}"` : '"-"';
}

/** One byte a character, as Node gives header fields. */
function escaped(text: string, most: number): string {
  const cut = text.length > most ? `${text.slice(0, most)}...` : text;
  return cut.replaceAll(
    /[^\x20-\x7e]|["\\]/g,
    (character) =>
      `\\x${(character.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

const utf8 = (text: string) => Buffer.from(text).toString("latin1");

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "21/Nov/2026:20:26:22 +0000" */
function timeText(timeMs: number): string {
  const iso = new Date(timeMs).toISOString();
  const month = MONTHS[Number(iso.slice(5, 7)) - 1];
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/**
 * A line of an access log, read: the Combined or the Common Log Format of Apache and nginx, and what an edge writes behind it. Pure.
 * Source: https://httpd.apache.org/docs/2.4/logs.html#accesslog
 */

export interface AccessRecord {
  /** Unix milliseconds. */
  timeMs: number;
  method: string;
  /** Path and query, as it was asked for. */
  target: string;
  status: number;
  /** Of the body. */
  bytes: number;
  /** Undefined: the log does not tell it. */
  userAgent: string | undefined;
  /** "hit", "miss", ...; undefined: no edge wrote the line. */
  result: string | undefined;
}

/** A line that is none says what is wrong with it. */
export type ReadLine = AccessRecord | { problem: string };

/** Longer ones are not read: edges write at most half of it. */
export const LINE_MAX_CHARS = 8_192;
const SHOWN_CHARS = 60;

// Each alternative begins with another character: no line takes longer than its length.
const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"`;
const LINE = new RegExp(
  String.raw`^(\S+) (\S+) (\S+) \[([^\]]*)\] ${QUOTED} (\d{3}) (\d{1,15}|-)(?: ${QUOTED} ${QUOTED})?(?: ${QUOTED})?`,
);
const REQUEST = /^([A-Z]{1,20}) (\S+)(?: HTTP\/\d(?:\.\d)?)?$/;

export function readAccessLine(line: string): ReadLine {
  const match = LINE.exec(line);
  if (!match) return { problem: `got ${shown(line)}, expected the Combined Log Format` };
  const [, , , , time = "", request = "", status, bytes, , userAgent, result] = match;
  const timeMs = timeOf(time);
  if (timeMs === undefined)
    return { problem: `time: got ${shown(time)}, expected such as 21/Nov/2026:20:26:22 +0000` };
  const [, method, target] = REQUEST.exec(request) ?? [];
  if (method === undefined || target === undefined)
    return {
      problem: `request: got ${shown(request)}, expected such as GET /live/a.m3u8 HTTP/1.1`,
    };
  return {
    timeMs,
    method,
    target,
    status: Number(status),
    bytes: bytes === "-" ? 0 : Number(bytes),
    userAgent,
    result,
  };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;

/** Undefined: no moment. */
function timeOf(text: string): number | undefined {
  const [, day, month, year, hour, minute, second, sign, zoneHours, zoneMinutes] =
    TIME.exec(text) ?? [];
  const monthIndex = MONTHS.indexOf(month ?? "");
  if (monthIndex < 0 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60)
    return undefined;
  const dateMs = Date.UTC(Number(year), monthIndex, Number(day));
  // 31 February is another day.
  if (new Date(dateMs).getUTCDate() !== Number(day)) return undefined;
  const clockMs = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000;
  const zoneMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return dateMs + clockMs + (sign === "-" ? zoneMs : -zoneMs);
}

/** Of a text that anybody may have written: short, on one line, in ASCII. */
function shown(text: string): string {
  const cut = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}...` : text;
  return JSON.stringify(cut.replaceAll(/[^\x20-\x7e]/g, "?"));
}

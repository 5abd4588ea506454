/** An incident as it once was, to be played again: its story, with times from its beginning. Pure. */
import type { EntryKind } from "../stores/incidents.ts";
import { isRecord } from "./json-values.ts";

export interface RecordedLine {
  /** Since the first one. */
  afterMs: number;
  kind: EntryKind;
  /** For people. */
  text: string;
}

export interface Recording {
  object: string;
  check: string;
  /** So long an action was given to help. */
  verifyMs: number;
  lines: readonly RecordedLine[];
}

/** What a recording must be: the words of the error say what is not so. */
export class MalformedRecording extends Error {
  override readonly name = "MalformedRecording";
}

const KINDS: ReadonlySet<string> = new Set([
  "seen",
  "decided",
  "intent",
  "done",
  "failed",
  "verified",
  "escalated",
  "closed",
] satisfies EntryKind[]);

const LINES_MAX = 1_000;
const MS_NANO = 1_000_000n;

/** @param json of a file. Throws MalformedRecording. */
export function readRecording(json: unknown): Recording {
  if (!isRecord(json)) throw new MalformedRecording(`got ${describe(json)}, expected an object`);
  const { object, check, verifyMs, lines } = json;
  if (typeof object !== "string" || object === "") throw wrong("object", object, "a name");
  if (typeof check !== "string" || check === "") throw wrong("check", check, "a name");
  if (!isTime(verifyMs)) throw wrong("verifyMs", verifyMs, "milliseconds");
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > LINES_MAX)
    throw wrong("lines", lines, `1 to ${LINES_MAX} of them`);
  const read = lines.map(readLine);
  if (read[0]!.kind !== "seen") throw wrong("lines[0].kind", read[0]!.kind, '"seen"');
  return { object, check, verifyMs, lines: read };
}

function readLine(line: unknown, at: number): RecordedLine {
  if (!isRecord(line)) throw wrong(`lines[${at}]`, line, "an object");
  const { afterMs, kind, text } = line;
  if (!isTime(afterMs)) throw wrong(`lines[${at}].afterMs`, afterMs, "milliseconds");
  if (typeof kind !== "string" || !KINDS.has(kind))
    throw wrong(`lines[${at}].kind`, kind, [...KINDS].join(", "));
  if (typeof text !== "string") throw wrong(`lines[${at}].text`, text, "a text");
  return { afterMs, kind: kind as EntryKind, text };
}

/** @param entries a whole story, in order. */
export function recordingOf(
  { object, check }: { object: string; check: string },
  entries: readonly { timeUnixNano: bigint; kind: EntryKind; text: string }[],
  verifyMs: number,
): Recording {
  const start = entries[0]?.timeUnixNano ?? 0n;
  const lines = entries.map(({ timeUnixNano, kind, text }) => ({
    afterMs: Number((timeUnixNano - start) / MS_NANO),
    kind,
    text,
  }));
  return { object, check, verifyMs, lines };
}

/** What was done and how it ended, without what depends on the network's size: "intent edge-1: flush its cache". */
export function deedsOf(lines: readonly Pick<RecordedLine, "kind" | "text">[]): string[] {
  return lines.flatMap(({ kind, text }) => {
    if (kind === "intent") return [`${kind} ${withoutCount(text)}`];
    if (kind === "done" || kind === "failed") return [`${kind} ${text}`];
    return kind === "escalated" || kind === "closed" ? [kind] : [];
  });
}

/** How many there were of its kind: "(1 of 12)". */
export function countOf(lines: readonly RecordedLine[]): number {
  const counts = lines.map(({ text }) => Number(/\(1 of (\d{1,6})\)/.exec(text)?.[1] ?? 0));
  return Math.max(2, ...counts);
}

const withoutCount = (text: string) => text.replace(/ \(1 of \d+\)$/, "");

const isTime = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;

const wrong = (what: string, got: unknown, expected: string) =>
  new MalformedRecording(`${what}: got ${describe(got)}, expected ${expected}`);

const describe = (value: unknown) => (JSON.stringify(value) ?? "nothing").slice(0, 60);

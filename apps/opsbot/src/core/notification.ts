/** What people are told by webhook: an incident that was left to them, with the evidence, and its end. Pure. */

/** A line of the journal. */
export interface Line {
  timeUnixNano: bigint;
  /** "seen", "done"; others are lines too. */
  kind: string;
  text: string;
}

/** A line that may have to be told. */
export interface Told extends Line {
  incidentId: number;
  object: string;
  check: string;
  /** The same each time that it is told. */
  key: string;
}

/** An incident with its story, as it is known when it is told. */
export interface Tale {
  incident: { title: string; openedUnixNano: bigint };
  /** In order. */
  entries: readonly Line[];
}

export interface Notification {
  key: string;
  event: "escalated" | "resolved";
  /** Of which OpsBot. */
  opsbot: string;
  time: string;
  /** What OpsBot says about it. */
  text: string;
  incident: { id: number; object: string; check: string; title: string; opened: string };
  /** What was seen and done before, the oldest first. */
  story: readonly { time: string; kind: string; text: string }[];
  /** How many lines of it are older still. */
  storyLeftOut: number;
}

/** What was seen and done; what was decided is told by what was done. */
const EVIDENCE: ReadonlySet<string> = new Set(["seen", "intent", "done", "failed", "verified"]);
const LINES_MAX = 10;
const TEXT_MAX_CHARS = 1_000;
const MS_NANO = 1_000_000n;
/** The year 9999: what is above has no name. */
const TIME_MAX_MS = 253_402_300_799_999;

/**
 * Undefined: nobody is told of such a line. The same line makes the same notification, whenever it is made.
 * @param tale undefined: the incident has been forgotten.
 */
export function notificationOf(
  told: Told,
  tale: Tale | undefined,
  opsbot: string,
): Notification | undefined {
  const { incidentId: id, object, check, kind, key, timeUnixNano } = told;
  const before = (tale?.entries ?? []).filter((line) => line.timeUnixNano <= timeUnixNano);
  const event = eventOf(kind, before);
  if (!event) return undefined;
  const evidence = before.filter((line) => EVIDENCE.has(line.kind));
  const title = plain(tale?.incident.title ?? `${object}: ${check}`);
  const opened = timeOf(tale?.incident.openedUnixNano ?? timeUnixNano);
  return {
    key,
    event,
    opsbot,
    time: timeOf(timeUnixNano),
    text: plain(told.text),
    incident: { id, object: plain(object), check: plain(check), title, opened },
    story: evidence.slice(-LINES_MAX).map((line) => ({
      time: timeOf(line.timeUnixNano),
      kind: line.kind,
      text: plain(line.text),
    })),
    storyLeftOut: Math.max(0, evidence.length - LINES_MAX),
  };
}

/** Whether it may have to be told, by its kind alone. */
export function mayBeTold(kind: string): boolean {
  return kind === "escalated" || kind === "closed";
}

/** The end matters to those who were called. */
function eventOf(kind: string, before: readonly Line[]): Notification["event"] | undefined {
  if (kind === "escalated") return "escalated";
  const wasTold = before.some((line) => line.kind === "escalated");
  return kind === "closed" && wasTold ? "resolved" : undefined;
}

/** Texts come from alerts: no control characters, none that turn the direction of writing, and not too many. */
function plain(text: string): string {
  return text
    .slice(0, TEXT_MAX_CHARS)
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, " ")
    .toWellFormed();
}

function timeOf(unixNano: bigint): string {
  return new Date(Math.min(TIME_MAX_MS, Number(unixNano / MS_NANO))).toISOString();
}

/** What an answer means: a message that is refused is so the next time too; all else may pass. */
export function outcomeOf(status: number): "told" | "refused" | "failed" {
  if (status >= 200 && status < 300) return "told";
  return status === 400 || status === 413 || status === 422 ? "refused" : "failed";
}

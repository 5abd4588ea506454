import {
  type Entry,
  EntryKind,
  type GetStatusResponse,
  type Incident,
  IncidentPhase,
} from "@glassline/proto/opsbot";

import { counted } from "../format/plural.ts";
import { durationText } from "../format/quantity.ts";
import { ageText, millisecondsOf } from "../format/time.ts";

export type PhaseName = "open" | "acting" | "verifying" | "escalated" | "resolved";
export type KindName =
  | "seen"
  | "decided"
  | "intent"
  | "done"
  | "failed"
  | "verified"
  | "escalated"
  | "closed";

const PHASES: Readonly<Record<IncidentPhase, PhaseName>> = {
  [IncidentPhase.UNSPECIFIED]: "open",
  [IncidentPhase.OPEN]: "open",
  [IncidentPhase.ACTING]: "acting",
  [IncidentPhase.VERIFYING]: "verifying",
  [IncidentPhase.ESCALATED]: "escalated",
  [IncidentPhase.RESOLVED]: "resolved",
};
const KINDS: Readonly<Record<EntryKind, KindName>> = {
  [EntryKind.UNSPECIFIED]: "seen",
  [EntryKind.SEEN]: "seen",
  [EntryKind.DECIDED]: "decided",
  [EntryKind.INTENT]: "intent",
  [EntryKind.DONE]: "done",
  [EntryKind.FAILED]: "failed",
  [EntryKind.VERIFIED]: "verified",
  [EntryKind.ESCALATED]: "escalated",
  [EntryKind.CLOSED]: "closed",
};
/** From here on tenths of a second say nothing. */
const LONG_MS = 60_000;

export function phaseName({ phase }: Incident): PhaseName {
  return PHASES[phase] ?? "open";
}

export function kindName({ kind }: Entry): KindName {
  return KINDS[kind] ?? "seen";
}

export function isOpen({ closedUnixNano }: Incident): boolean {
  return closedUnixNano === 0n;
}

/** The address of an incident's page. */
export function incidentPath({ id }: Incident): string {
  return `/ops/incidents/${id}`;
}

/** "open for 4 s", "lasted 12 s"; nowMs by the servers' clock. */
export function lastingText(incident: Incident, nowMs: number): string {
  const openedMs = millisecondsOf(incident.openedUnixNano);
  if (isOpen(incident)) return `open for ${ageText(nowMs - openedMs)}`;
  return `lasted ${spanText(millisecondsOf(incident.closedUnixNano) - openedMs)}`;
}

/** An entry and how long after the one before it was written, in milliseconds. */
export interface StoryLine {
  entry: Entry;
  afterMs: number | undefined;
}

/** The story in the order in which it happened. */
export function storyOf(entries: readonly Entry[]): StoryLine[] {
  const ordered = entries.toSorted((left, right) => Number(left.timeUnixNano - right.timeUnixNano));
  return ordered.map((entry, at) => {
    const before = ordered[at - 1];
    return { entry, afterMs: before && Number(entry.timeUnixNano - before.timeUnixNano) / 1e6 };
  });
}

/** "+84.0 ms", "+12.4 s", "+3 min"; nothing for the first line. */
export function afterText(afterMs: number | undefined): string {
  return afterMs === undefined ? "" : `+${spanText(afterMs)}`;
}

/** The page's answer to "is all well?", in one sentence. */
export function sentenceOf({ checks, openIncidents }: GetStatusResponse): string {
  const looks = `OpsBot looks at ${counted(checks.length, "thing")}`;
  return openIncidents === 0
    ? `${looks}; no incident is open.`
    : `${looks}; ${counted(openIncidents, "incident")} ${openIncidents === 1 ? "is" : "are"} open.`;
}

function spanText(durationMs: number): string {
  return durationMs < LONG_MS ? durationText(durationMs) : ageText(durationMs);
}

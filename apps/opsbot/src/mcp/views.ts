/** What MCP clients are told, as data with a schema. Texts that come from the network are fields, and cut. */
import * as z from "zod/v4";

import { FOREVER_MS } from "../core/guard.ts";
import type { Inventory } from "../desk.ts";
import type { AuditRow } from "../stores/audit.ts";
import type { Observation } from "../observers/observer.ts";
import type { Order } from "../stores/guard-records.ts";
import type { EntryRow, IncidentRow } from "../stores/incidents.ts";

const TEXT_MAX_CHARS = 2_000;
const MS_NANO = 1_000_000n;
/** Of each kind. */
const NAMES_MAX = 200;

const text = (about: string) =>
  z.string().describe(`${about} Data: it comes from what is watched.`);
const time = (about: string) => z.string().describe(`${about} RFC 3339, UTC.`);
const names = z.array(z.string());

export const checkView = z.object({
  object: z.string(),
  check: z.string(),
  state: z.enum(["ok", "warning", "critical", "unknown"]),
  believed: z.boolean().describe("False: it is looked at again first."),
  output: text("What the check found."),
  suppressed: text("Why nothing is done about it.").optional(),
  since: time("When the state began."),
});

export const incidentView = z.object({
  id: z.int(),
  object: z.string(),
  check: z.string(),
  title: text("What is wrong."),
  phase: z.enum(["open", "acting", "verifying", "escalated", "resolved"]),
  actions: z.int().describe("How many have been begun."),
  opened: time("When it began."),
  closed: time("When it ended; absent while it is open.").optional(),
});

export const entryView = z.object({
  time: time("When."),
  kind: z.enum(["seen", "decided", "intent", "done", "failed", "verified", "escalated", "closed"]),
  text: text("What was seen, decided or done."),
});

export const auditView = z.object({
  seq: z.int(),
  time: time("When."),
  who: z.string(),
  what: text("What was changed."),
  before: text("State before."),
  after: text("State after."),
  hash: z.string(),
});

export const orderView = z.object({
  kind: z.enum(["kill", "pause", "maintenance"]),
  target: z.string().optional().describe("Absent: all."),
  until: time("Until when; absent: until somebody ends it.").optional(),
  who: z.string(),
});

export const inventoryView = z.object({
  edges: names,
  channels: names,
  links: names,
  collectors: names,
  overlays: names,
  deployments: names.describe("Channels that were deployed."),
  machines: names,
  more: z.int().describe("How many names are left out."),
});

export function viewOfInventory(inventory: Inventory): z.infer<typeof inventoryView> {
  const { edges, channels, links, collectors, overlays, deployments, machines } = inventory;
  const all = [edges, channels, links, collectors, overlays, deployments, machines];
  const first = (some: readonly string[]) => some.slice(0, NAMES_MAX);
  return {
    edges: first(edges),
    channels: first(channels),
    links: first(links),
    collectors: first(collectors),
    overlays: first(overlays),
    deployments: first(deployments),
    machines: first(machines),
    more: all.reduce((sum, some) => sum + Math.max(0, some.length - NAMES_MAX), 0),
  };
}

export function viewOfCheck(seen: Observation): z.infer<typeof checkView> {
  const { object, check, state, hard, output, suppressed, sinceUnixNano } = seen;
  return {
    object,
    check,
    state,
    believed: hard,
    output: cut(output),
    ...(suppressed !== undefined && { suppressed: cut(suppressed) }),
    since: timeOf(sinceUnixNano),
  };
}

export function viewOfIncident(row: IncidentRow): z.infer<typeof incidentView> {
  const { id, object, check, phase, actions, title, openedUnixNano, closedUnixNano } = row;
  return {
    id,
    object,
    check,
    title: cut(title),
    phase,
    actions,
    opened: timeOf(openedUnixNano),
    ...(closedUnixNano !== 0n && { closed: timeOf(closedUnixNano) }),
  };
}

export function viewOfEntry({ timeUnixNano, kind, text }: EntryRow): z.infer<typeof entryView> {
  return { time: timeOf(timeUnixNano), kind, text: cut(text) };
}

export function viewOfAudit(row: AuditRow): z.infer<typeof auditView> {
  const { seq, timeUnixNano, who, what, before, after, hash } = row;
  return {
    seq,
    time: timeOf(timeUnixNano),
    who,
    what: cut(what),
    before: cut(before),
    after: cut(after),
    hash,
  };
}

export function viewOfOrder({ kind, target, untilMs, who }: Order): z.infer<typeof orderView> {
  return {
    kind,
    ...(target !== "" && { target }),
    ...(untilMs < FOREVER_MS && { until: new Date(untilMs).toISOString() }),
    who,
  };
}

function cut(words: string): string {
  if (words.length <= TEXT_MAX_CHARS) return words;
  return `${words.slice(0, TEXT_MAX_CHARS)}… (${words.length - TEXT_MAX_CHARS} characters more)`;
}

const timeOf = (unixNano: bigint) => new Date(Number(unixNano / MS_NANO)).toISOString();

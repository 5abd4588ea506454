/** A real journal with incidents that are left to people, and what destinations are still to be told of it. */
import { join } from "node:path";

import { openDatabase } from "@glassline/service/database";

import type { Tale } from "../core/notification.ts";
import type { EntryKind } from "../stores/journal.ts";
import { JOURNAL_SCHEMA, journalIn } from "../stores/journal.ts";
import { reportsOf } from "../stores/reports.ts";
import type { Reports } from "./notifier.ts";

export interface Outbox extends Disposable {
  /** Of one destination. */
  reports(listener: string): Reports;
  story(incident: number): Promise<Tale | undefined>;
  open(object: string, check: string, output: string): Promise<number>;
  note(incident: number, kind: EntryKind, text: string): Promise<void>;
}

/** @param now Unix nanoseconds. */
export function openOutbox(directory: string, now: () => bigint): Outbox {
  const database = openDatabase(join(directory, "opsbot.sqlite"), JOURNAL_SCHEMA);
  const journal = journalIn(database, now);
  return {
    reports: (listener) => {
      const reports = reportsOf(database, listener, "journal");
      return {
        begin: async () => reports.begin(),
        untold: async (limit) => reports.untold(limit),
        told: async (entry) => reports.told(entry),
      };
    },
    story: async (id) => {
      const incident = journal.incident(id);
      return incident && { incident, entries: journal.entries(id) };
    },
    open: async (object, check, output) => {
      const row = { object, check, title: `${object}: ${output}` };
      return journal.openIncident(row, `${check}: ${output}`).id;
    },
    note: async (id, kind, text) => {
      const phase = kind === "escalated" ? "escalated" : kind === "closed" ? "resolved" : undefined;
      journal.note(id, kind, text, phase);
    },
    [Symbol.dispose]: () => journal[Symbol.dispose](),
  };
}

/** A real journal with incidents that are left to people, and what destinations are still to be told of it. */
import { createLogger } from "@glassline/service/logger";

import { leadAlone } from "../stores/alone.ts";
import type { EntryKind } from "../stores/incidents.ts";
import type { Journal } from "../stores/journal.ts";
import { journalIn } from "../stores/journal.ts";
import { openSqlite } from "../stores/open-store.ts";

export interface Outbox extends AsyncDisposable {
  journal: Journal;
  open(object: string, check: string, output: string): Promise<number>;
  note(incident: number, kind: EntryKind, text: string): Promise<void>;
}

/** @param now Unix nanoseconds. */
export async function openOutbox(directory: string, now: () => bigint): Promise<Outbox> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(openSqlite(directory));
  const logger = createLogger("opsbot", "silent");
  stack.use(await leadAlone(database, { name: "opsbot", nowS: 1, logger }));
  const journal = journalIn(database, now);
  const owned = stack.move();
  return {
    journal,
    open: async (object, check, output) => {
      const about = { object, check, title: `${object}: ${output}` };
      const told = `${check}: ${output}`;
      return (await journal.transact((records) => records.openIncident(about, told))).id;
    },
    note: (id, kind, text) => {
      const phase = kind === "escalated" ? "escalated" : kind === "closed" ? "resolved" : undefined;
      return journal.transact((records) => records.note(id, kind, text, phase));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { openJournal } from "./journal.ts";

const STALE = { object: "edge-1", check: "freshness", title: "edge-1: stale" };

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-reports-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const open = (directory: string) => openJournal(directory, () => 1n);

test("what was written before anybody was to be told is not told; what was written since is, also after a restart", () => {
  const directory = scratch();
  {
    using journal = open(directory);
    journal.openIncident(STALE, "stale");
    expect(journal.reports.untold(10)).toEqual([]);
    journal.reports.begin();
    journal.note(1, "decided", "flush");
  }
  using journal = open(directory);
  journal.note(1, "closed", "it is over", "resolved");
  journal.reports.begin();
  const untold = journal.reports.untold(10);
  expect(untold).toMatchObject([
    { incidentId: 1, object: "edge-1", check: "freshness", kind: "decided", text: "flush" },
    { kind: "closed", text: "it is over" },
  ]);
  journal.reports.told(untold[0]!.entry);
  expect(journal.reports.untold(10)).toHaveLength(1);
});

test("told is told, whatever comes late", () => {
  using journal = open(scratch());
  journal.reports.begin();
  journal.openIncident(STALE, "stale");
  journal.note(1, "closed", "it is over", "resolved");
  const [first, last] = journal.reports.untold(10);
  journal.reports.told(last!.entry);
  journal.reports.told(first!.entry);
  expect(journal.reports.untold(10)).toEqual([]);
});

test("each line has a key of its own, the same each time; an action's is that of its effect", () => {
  using journal = open(scratch());
  journal.reports.begin();
  const { id } = journal.openIncident(STALE, "stale");
  const intent = journal.intend(id, { kind: "flush", edge: "edge-1" }, "flush");
  journal.settle(intent, "done", "7 objects");
  journal.note(id, "closed", "it is over", "resolved");
  const keys = () => journal.reports.untold(10).map(({ key }) => key);
  expect(new Set(keys()).size).toBe(4);
  expect(keys()).toEqual(keys());
  expect(keys()).toContain(`${intent.idempotencyKey}:done`);
});

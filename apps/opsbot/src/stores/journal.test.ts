import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { OperatorError } from "@glassline/service/errors";
import { expect, onTestFinished, test } from "vitest";

import type { Journal } from "./journal.ts";
import { openJournal } from "./journal.ts";

const FLUSH = { kind: "flush", edge: "edge-1" } as const;
const RESTART = { kind: "restart", edge: "edge-1" } as const;
const STALE = { object: "edge-1", check: "freshness", title: "edge-1: stale" };

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-journal-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function open(directory: string, nowMs = Date.UTC(2026, 0, 1)): Journal {
  return openJournal(directory, () => BigInt(nowMs) * 1_000_000n);
}

test("what was written is there after it was opened again", () => {
  const directory = scratch();
  let key = "";
  {
    using journal = open(directory);
    const { id } = journal.openIncident(STALE, "freshness: stale");
    key = journal.intend(id, FLUSH, "flush its cache").idempotencyKey;
  }
  using journal = open(directory);
  expect(journal.incidents(10, true)).toMatchObject([{ ...STALE, phase: "acting", actions: 1 }]);
  expect(journal.entries(1).map(({ kind }) => kind)).toEqual(["seen", "intent"]);
  expect(journal.unsettled()).toEqual([
    { idempotencyKey: key, incidentId: 1, action: FLUSH, generation: 0 },
  ]);
});

test("a result is written once, and settles its intent", () => {
  using journal = open(scratch());
  const intent = journal.intend(journal.openIncident(STALE, "stale").id, FLUSH, "flush");
  journal.settle(intent, "done", "12 objects forgotten");
  journal.settle(intent, "failed", "too late");
  expect(journal.entries(1).at(-1)).toMatchObject({
    kind: "done",
    text: "12 objects forgotten",
    idempotencyKey: intent.idempotencyKey,
  });
  expect(journal.entries(1)).toHaveLength(3);
  expect(journal.unsettled()).toEqual([]);
});

test("one incident is open for a check of an object, and the next one after it was closed", () => {
  using journal = open(scratch());
  const first = journal.openIncident(STALE, "stale");
  expect(() => journal.openIncident(STALE, "stale")).toThrow(/UNIQUE/);
  journal.openIncident({ ...STALE, object: "edge-2" }, "stale");
  journal.note(first.id, "closed", "it is over", "resolved");
  expect(journal.openIncidentOf("edge-1", "freshness")).toBeUndefined();
  expect(journal.openIncident(STALE, "stale").id).toBeGreaterThan(first.id);
  expect(journal.countOpen()).toBe(2);
  expect(journal.incident(first.id)!.closedUnixNano).toBeGreaterThan(0n);
});

test("of work that fails nothing is written", () => {
  using journal = open(scratch());
  const { id } = journal.openIncident(STALE, "stale");
  const work = () =>
    journal.atomically(() => {
      journal.note(id, "decided", "flush");
      journal.intend(id, RESTART, "restart");
      throw new Error("half-way");
    });
  expect(work).toThrow("half-way");
  expect(journal.entries(id).map(({ kind }) => kind)).toEqual(["seen"]);
  expect(journal.incident(id)).toMatchObject({ phase: "open", actions: 0 });
  expect(journal.unsettled()).toEqual([]);
  expect(journal.generation("edge-1")).toBe(1);
});

test("each restart wishes the next generation, which is known after a restart of OpsBot", () => {
  const directory = scratch();
  {
    using journal = open(directory);
    const { id } = journal.openIncident(STALE, "stale");
    expect(journal.generation("edge-1")).toBe(1);
    expect(journal.intend(id, RESTART, "restart").generation).toBe(2);
    expect(journal.intend(id, RESTART, "restart").generation).toBe(3);
  }
  using journal = open(directory);
  expect(journal.generation("edge-1")).toBe(3);
  expect(journal.generation("edge-2")).toBe(1);
});

test("each life's fencing token is higher, also when the clock goes back", () => {
  const directory = scratch();
  const tokens = [2026, 2026, 2020].map((year) => {
    using journal = open(directory, Date.UTC(year, 0, 1));
    return journal.fencingToken;
  });
  expect(tokens[1]).toBeGreaterThan(tokens[0]!);
  expect(tokens[2]).toBeGreaterThan(tokens[1]!);
});

test("a journal that begins anew is not barred by the one that was lost, and uses no key of it again", () => {
  const intend = (nowMs: number) => {
    using journal = open(scratch(), nowMs);
    const { id } = journal.openIncident(STALE, "stale");
    return [journal.fencingToken, journal.intend(id, FLUSH, "flush").idempotencyKey] as const;
  };
  const [lost, found] = [intend(Date.UTC(2026, 0, 1)), intend(Date.UTC(2026, 0, 2))];
  expect(found[0]).toBeGreaterThan(lost[0]);
  expect(found[1]).not.toBe(lost[1]);
});

test("another process's journal is refused by name", () => {
  const directory = scratch();
  using _journal = open(directory);
  expect(() => open(directory)).toThrow(OperatorError);
  expect(() => open(directory)).toThrow(/opsbot\.sqlite/);
});

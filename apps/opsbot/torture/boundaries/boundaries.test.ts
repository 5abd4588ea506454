/** The torture in small, and what it would find. */
import { PassThrough } from "node:stream";

import { progressOn } from "@glassline/bench/progress";
import { systemClock } from "@glassline/service/clock";
import { expect, test } from "vitest";

import { describeWithPostgres } from "../../src/stores/postgres.testing.ts";
import { openFile, scratch } from "../../src/stores/store.testing.ts";
import type { StoreKind } from "../loop/stage.ts";
import { torture } from "./boundaries.ts";
import { SCENARIOS } from "./scenarios.ts";
import { problemsOf } from "./verdict.ts";

const PATIENT = { timeout: 280_000 };

function inSmall(store: StoreKind, name: string, random: number) {
  const scenarios = SCENARIOS.filter((scenario) => scenario.name === name);
  return torture(
    { store, scenarios, random },
    // Early in a life, which is then at work on any machine.
    () => 0.2,
    progressOn(new PassThrough() as never),
    new AbortController().signal,
  );
}

test("a loop that dies at any boundary of its journal goes on", PATIENT, async () => {
  const tortured = await inSmall("sqlite", "flush", 2);
  expect(tortured.problems).toEqual([]);
  expect(tortured).toMatchObject({ boundaries: 14, died: 14, notMet: 0, randomDied: 2 });
});

describeWithPostgres()("in PostgreSQL", () => {
  test("a loop that dies at any boundary of its journal goes on", PATIENT, async () => {
    const tortured = await inSmall("postgres", "request", 0);
    expect(tortured.problems).toEqual([]);
    expect(tortured).toMatchObject({ boundaries: 17, died: 17, notMet: 0 });
  });
});

test("what was not finished, or done twice, is found", async () => {
  const [flush] = SCENARIOS;
  await using led = await openFile(scratch(), () => systemClock.nowUnixNano());
  await led.journal.transact(async (records) => {
    const incident = await records.openIncident(
      { object: "edge-1", check: "freshness", title: "" },
      "",
    );
    await records.intend(incident, { kind: "flush", target: "edge-1" }, "");
  });
  const effect = { what: "purge edge-1", idempotencyKey: "key", fencingToken: 1n };
  expect(await problemsOf(flush!, led.journal, [effect, effect])).toEqual([
    'effects: got ["purge edge-1","purge edge-1"], expected ["purge edge-1"]',
    'phases of incidents: got ["acting"], expected ["resolved"]',
    "actions without a result: got 1, expected 0",
    "lines of results: got 0, expected 1",
    "lines of the audit: got 0, expected 2",
  ]);
});

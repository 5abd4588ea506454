/** What Icinga is told, on a real one and a real journal. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { expect, test } from "vitest";

import type { Journal, Records } from "../../stores/journal.ts";
import type { Reports } from "../../stores/reports.ts";
import { openFile, scratch } from "../../stores/store.testing.ts";
import { IcingaClient } from "./client.ts";
import { IcingaError } from "./icinga-error.ts";
import { IcingaLooks } from "./icinga-looks.ts";
import type { Icinga } from "./icinga.testing.ts";
import { describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import { icingaMetrics } from "./metrics.ts";
import { Reporter, isOwn } from "./reporter.ts";

const HITS = "edge-1!hits";
const PRIME = { kind: "prime", target: "edge-1" } as const;
const { signal } = new AbortController();

const HOUR_MS = 3_600_000;

interface Desk extends AsyncDisposable {
  reports: Reports;
  journal: Journal;
  client: IcingaClient;
  /** While it is set, what was done is not answered. */
  deaf: boolean;
  /** So much later it is than by the clock. */
  passedMs: number;
  run(): Promise<void>;
  counted(): Promise<string>;
}

/** A reporter, as one life of OpsBot has it. @param aheadMs the time of day was set so far ahead since the journal was written. */
async function openDesk(
  icinga: Icinga,
  directory: string,
  settings = icinga.settings,
  aheadMs = 0,
): Promise<Desk> {
  const led = await openFile(directory, () => systemClock.nowUnixNano());
  const { journal } = led;
  const reports = journal.reports("icinga");
  await reports.begin();
  const client = new IcingaClient(settings);
  const registry = createMetrics("opsbot");
  const common = { logger: createLogger("opsbot", "silent"), metrics: icingaMetrics(registry) };
  const looks = new IcingaLooks({ client, isOwn, ...common });
  const reporter = new Reporter({
    client: {
      startedUnixNano: (signal) => client.startedUnixNano(signal),
      query: (query, signal) => client.query(query, signal),
      act: async (action, name, more, signal) => {
        await client.act(action, name, more, signal);
        if (desk.deaf) throw new IcingaError("away", "cut off before the answer");
      },
    },
    reports,
    nowUnixNano: () => systemClock.nowUnixNano() + BigInt(aheadMs) * 1_000_000n,
    monotonicMs: () => systemClock.monotonicMs() + desk.passedMs,
    look: async (object, check) =>
      (await looks.look("all", signal)).find(
        (sight) => sight.object === object && sight.check === check,
      ),
    signal,
    ...common,
  });
  const desk: Desk = {
    journal,
    reports,
    client,
    deaf: false,
    passedMs: 0,
    run: () => reporter.run(),
    counted: () =>
      registry.registry.getSingleMetricAsString("glassline_opsbot_icinga_reports_total"),
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      await led[Symbol.asyncDispose]();
    },
  };
  return desk;
}

const begin = ({ journal }: Desk) => journal.transact((records) => beginIn(records));

async function beginIn(records: Records) {
  const row = { object: "edge-1", check: "hit-rate", title: "edge-1: cold" };
  const incident = await records.openIncident(row, "hit-rate: 3 %");
  return records.intend(incident, PRIME, "edge-1: prime its cache");
}

const escalate = ({ journal }: Desk, id = 1) =>
  journal.transact((records) =>
    records.note(id, "escalated", "A person should look.", "escalated"),
  );

describeWithIcinga()("a report", () => {
  test("whose answer was lost is known again by its key, in this life and in the next one", async () => {
    const directory = scratch();
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    {
      await using desk = await openDesk(icinga, directory);
      const intent = await begin(desk);
      desk.deaf = true;
      await desk.run();
      desk.deaf = false;
      await desk.run();
      expect(await icinga.comments(HITS)).toHaveLength(1);
      expect(await desk.counted()).toMatch(/result="known".* 1$/m);
      await desk.journal.transact((records) => records.settle(intent, "done", "3 objects fetched"));
      desk.deaf = true;
      await desk.run();
    }
    await using desk = await openDesk(icinga, directory);
    await desk.run();
    await desk.run();
    const comments = await icinga.comments(HITS);
    expect(comments.map((line) => line.split(":")[1])).toEqual([" OpsBot will", " Done"]);
    expect(await desk.reports.untold(10)).toEqual([]);
  });

  test("is not lost while Icinga is away, and comes in order", async () => {
    const directory = scratch();
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    {
      await using desk = await openDesk(icinga, directory);
      await icinga.stop();
      await desk.journal.transact(async (records) =>
        records.settle(await beginIn(records), "failed", "no answer"),
      );
      await desk.run();
      expect((await desk.reports.untold(10)).map(({ kind }) => kind)).toEqual(["intent", "failed"]);
    }
    await icinga.start();
    await using desk = await openDesk(icinga, directory);
    await escalate(desk);
    await desk.run();
    const comments = (await icinga.comments(HITS)).map((line) => line.split(":")[1]);
    // The acknowledgement's own comment went with it when people were asked.
    expect(comments).toEqual([" Failed", " For people"]);
    expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(0);
  });

  test("is for the journal alone when Icinga could not be told for a day, by a clock that nobody sets", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    const directory = scratch();
    await using desk = await openDesk(icinga, directory, icinga.settings, 900 * HOUR_MS);
    await begin(desk);
    await desk.run();
    expect(await icinga.comments(HITS)).toHaveLength(1);
    await icinga.stop();
    await escalate(desk);
    await desk.run();
    await icinga.start();
    desk.passedMs = 25 * HOUR_MS;
    await desk.run();
    expect(await desk.reports.untold(10)).toEqual([]);
    expect(await desk.counted()).toMatch(/result="too old".* 1$/m);
  });

  test("never takes a person's acknowledgement, neither to set it nor to remove it", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    await icinga.act("acknowledge-problem", HITS, { author: "anna", comment: "I am on it" });
    await using desk = await openDesk(icinga, scratch());
    await begin(desk);
    await escalate(desk);
    await desk.run();
    expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(1);
    expect((await icinga.comments(HITS)).map((line) => line.split(" ")[0])).toEqual([
      "anna:",
      "OpsBot:",
      "OpsBot:",
    ]);
  });

  test("does not acknowledge what is not a hard problem", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 0);
    await using desk = await openDesk(icinga, scratch());
    await begin(desk);
    await desk.run();
    expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(0);
    expect(await icinga.comments(HITS)).toHaveLength(1);
  });

  test("about what Icinga does not have is for the journal alone, and hinders no other", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    await using desk = await openDesk(icinga, scratch());
    const row = { object: "edge-9", check: "health", title: "edge-9: gone" };
    const gone = await desk.journal.transact((records) => records.openIncident(row, "gone"));
    await escalate(desk, gone.id);
    await begin(desk);
    await desk.run();
    expect(await icinga.comments(HITS)).toHaveLength(1);
    expect(await desk.counted()).toMatch(/result="gone".* 1$/m);
  });

  test("waits for the right to tell it", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    const directory = scratch();
    {
      await using mute = await openDesk(icinga, directory, icinga.as("opsbot-mute"));
      await begin(mute);
      await mute.run();
      expect((await mute.reports.untold(10)).map(({ kind }) => kind)).toEqual(["intent"]);
      expect(await icinga.comments(HITS)).toEqual([]);
    }
    await using desk = await openDesk(icinga, directory);
    await desk.run();
    expect(await icinga.comments(HITS)).toHaveLength(1);
  });
});

/** What Icinga is told, on a real one and a real journal. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { expect, test } from "vitest";

import type { Journal } from "../../stores/journal.ts";
import { openJournal } from "../../stores/journal.ts";
import { IcingaClient } from "./client.ts";
import { IcingaError } from "./icinga-error.ts";
import { IcingaLooks } from "./icinga-looks.ts";
import type { Icinga } from "./icinga.testing.ts";
import { describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import { icingaMetrics } from "./metrics.ts";
import { Reporter, isOwn } from "./reporter.ts";
import { scratch } from "./stage.testing.ts";

const HITS = "edge-1!hits";
const PRIME = { kind: "prime", edge: "edge-1" } as const;
const { signal } = new AbortController();

interface Desk extends Disposable {
  journal: Journal;
  client: IcingaClient;
  /** While it is set, what was done is not answered. */
  deaf: boolean;
  run(): Promise<void>;
  counted(): Promise<string>;
}

/** A reporter, as one life of OpsBot has it. */
function openDesk(icinga: Icinga, directory: string, settings = icinga.settings): Desk {
  const journal = openJournal(directory, () => systemClock.nowUnixNano());
  journal.reports.begin();
  const client = new IcingaClient(settings);
  const registry = createMetrics("opsbot");
  const common = { logger: createLogger("opsbot", "silent"), metrics: icingaMetrics(registry) };
  const looks = new IcingaLooks({ client, isOwn, ...common });
  const reporter = new Reporter({
    client: {
      query: (query, signal) => client.query(query, signal),
      act: async (action, name, more, signal) => {
        await client.act(action, name, more, signal);
        if (desk.deaf) throw new IcingaError("away", "cut off before the answer");
      },
    },
    reports: journal.reports,
    nowUnixNano: () => systemClock.nowUnixNano(),
    look: async (object, check) =>
      (await looks.look("all", signal)).find(
        (sight) => sight.object === object && sight.check === check,
      ),
    signal,
    ...common,
  });
  const desk: Desk = {
    journal,
    client,
    deaf: false,
    run: () => reporter.run(),
    counted: () =>
      registry.registry.getSingleMetricAsString("glassline_opsbot_icinga_reports_total"),
    [Symbol.dispose]: () => {
      client[Symbol.dispose]();
      journal[Symbol.dispose]();
    },
  };
  return desk;
}

function begin({ journal }: Desk) {
  const row = { object: "edge-1", check: "hit-rate", title: "edge-1: cold" };
  const { id } = journal.openIncident(row, "hit-rate: 3 %");
  return journal.intend(id, PRIME, "edge-1: prime its cache");
}

describeWithIcinga()("a report", () => {
  test("whose answer was lost is known again by its key, in this life and in the next one", async () => {
    const directory = scratch();
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    {
      using desk = openDesk(icinga, directory);
      const intent = begin(desk);
      desk.deaf = true;
      await desk.run();
      desk.deaf = false;
      await desk.run();
      expect(await icinga.comments(HITS)).toHaveLength(1);
      expect(await desk.counted()).toMatch(/result="known".* 1$/m);
      desk.journal.settle(intent, "done", "3 objects fetched");
      desk.deaf = true;
      await desk.run();
    }
    using desk = openDesk(icinga, directory);
    await desk.run();
    await desk.run();
    const comments = await icinga.comments(HITS);
    expect(comments.map((line) => line.split(":")[1])).toEqual([" OpsBot will", " Done"]);
    expect(desk.journal.reports.untold(10)).toEqual([]);
  });

  test("is not lost while Icinga is away, and comes in order", async () => {
    const directory = scratch();
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    {
      using desk = openDesk(icinga, directory);
      await icinga.stop();
      desk.journal.settle(begin(desk), "failed", "no answer");
      await desk.run();
      expect(desk.journal.reports.untold(10).map(({ kind }) => kind)).toEqual(["intent", "failed"]);
    }
    await icinga.start();
    using desk = openDesk(icinga, directory);
    desk.journal.note(1, "escalated", "A person should look.", "escalated");
    await desk.run();
    const comments = (await icinga.comments(HITS)).map((line) => line.split(":")[1]);
    // The acknowledgement's own comment went with it when people were asked.
    expect(comments).toEqual([" Failed", " For people"]);
    expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(0);
  });

  test("never takes a person's acknowledgement, neither to set it nor to remove it", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    await icinga.act("acknowledge-problem", HITS, { author: "anna", comment: "I am on it" });
    using desk = openDesk(icinga, scratch());
    begin(desk);
    desk.journal.note(1, "escalated", "A person should look.", "escalated");
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
    using desk = openDesk(icinga, scratch());
    begin(desk);
    await desk.run();
    expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(0);
    expect(await icinga.comments(HITS)).toHaveLength(1);
  });

  test("about what Icinga does not have is for the journal alone, and hinders no other", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    using desk = openDesk(icinga, scratch());
    const row = { object: "edge-9", check: "health", title: "edge-9: gone" };
    desk.journal.note(desk.journal.openIncident(row, "gone").id, "escalated", "gone");
    begin(desk);
    await desk.run();
    expect(await icinga.comments(HITS)).toHaveLength(1);
    expect(await desk.counted()).toMatch(/result="gone".* 1$/m);
  });

  test("waits for the right to tell it", async () => {
    await using icinga = await startIcinga();
    await icinga.result(HITS, 2);
    const directory = scratch();
    {
      using mute = openDesk(icinga, directory, icinga.as("opsbot-mute"));
      begin(mute);
      await mute.run();
      expect(mute.journal.reports.untold(10).map(({ kind }) => kind)).toEqual(["intent"]);
      expect(await icinga.comments(HITS)).toEqual([]);
    }
    using desk = openDesk(icinga, directory);
    await desk.run();
    expect(await icinga.comments(HITS)).toHaveLength(1);
  });
});

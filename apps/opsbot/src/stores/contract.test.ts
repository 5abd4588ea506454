/** One contract for the journal in a file and in PostgreSQL. */
import { OperatorError } from "@glassline/service/errors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { checkAudit } from "../audit-check.ts";
import { FOREVER_MS } from "../core/guard.ts";
import type { IncidentRow } from "./incidents.ts";
import type { Journal, Records } from "./journal.ts";
import type { Postgres } from "./postgres.testing.ts";
import { describeWithPostgres, startPostgres } from "./postgres.testing.ts";
import type { Led } from "./store.testing.ts";
import { openFile, openPostgres, scratch } from "./store.testing.ts";

const FLUSH = { kind: "flush", target: "edge-1" } as const;
const RESTART = { kind: "restart", target: "edge-1" } as const;
const STALE = { object: "edge-1", check: "freshness", title: "edge-1: stale" };
const START_MS = Date.UTC(2026, 0, 1);

/** Where a journal is kept. */
interface Place {
  open(nowMs?: number): Promise<Led>;
}

const nano = (ms: number) => () => BigInt(ms) * 1_000_000n;

describe("in a file", () => {
  contract(async () => {
    const directory = scratch();
    return { open: (nowMs = START_MS) => openFile(directory, nano(nowMs)) };
  });

  test("another process's journal is refused by name", async () => {
    const directory = scratch();
    await using _led = await openFile(directory, nano(START_MS));
    await expect(openFile(directory, nano(START_MS))).rejects.toThrow(OperatorError);
    await expect(openFile(directory, nano(START_MS))).rejects.toThrow(/opsbot\.sqlite/);
  });
});

describeWithPostgres()("in PostgreSQL", { timeout: 60_000 }, () => {
  let postgres: Postgres;
  beforeAll(async () => void (postgres = await startPostgres()), 60_000);
  afterAll(() => postgres[Symbol.asyncDispose]());

  contract(async () => {
    const url = await postgres.database();
    return { open: (nowMs = START_MS) => openPostgres(url, nano(nowMs)) };
  });
});

const opened = (records: Records, row = STALE): Promise<IncidentRow> =>
  records.openIncident(row, "stale");

const kindsOf = async (journal: Journal, id: number) =>
  (await journal.entries(id)).map(({ kind }) => kind);

function contract(newPlace: () => Promise<Place>): void {
  test("what was written is there after it was opened again", async () => {
    const place = await newPlace();
    let key = "";
    {
      await using led = await place.open();
      await led.journal.transact(async (records) => {
        key = (await records.intend(await opened(records), FLUSH, "flush")).idempotencyKey;
      });
    }
    await using led = await place.open();
    const { journal } = led;
    expect(await journal.incidents(10, true)).toMatchObject([
      { ...STALE, phase: "acting", actions: 1, closedUnixNano: 0n },
    ]);
    expect(await kindsOf(journal, 1)).toEqual(["seen", "intent"]);
    expect(await journal.unsettled()).toEqual([
      { idempotencyKey: key, incidentId: 1, action: FLUSH, generation: 0 },
    ]);
    expect(await journal.intentsOf(1)).toHaveLength(1);
  });

  test("a result is written once, and settles its intent", async () => {
    await using led = await (await newPlace()).open();
    const { journal } = led;
    const settled = await journal.transact(async (records) => {
      const intent = await records.intend(await opened(records), FLUSH, "flush");
      return [
        await records.settle(intent, "done", "12 objects forgotten"),
        await records.settle(intent, "failed", "too late"),
      ];
    });
    expect(settled).toEqual([true, false]);
    const entries = await journal.entries(1);
    expect(entries.at(-1)).toMatchObject({ kind: "done", text: "12 objects forgotten" });
    expect(entries).toHaveLength(3);
    expect(await journal.lastEntry(1)).toEqual(entries.at(-1));
    const [listed] = await journal.incidents(10, true);
    expect(listed!.summary).toBe("12 objects forgotten");
    expect(await journal.unsettled()).toEqual([]);
  });

  test("what is open about what was taken down is closed, but for what is acted on and what people asked for", async () => {
    await using led = await (await newPlace()).open();
    const { journal } = led;
    const open = (check: string, object = "edge-1") =>
      journal.transact((records) => opened(records, { ...STALE, check, object }));
    const stale = await open("freshness");
    const asked = await open("request");
    const acted = await open("health");
    const other = await open("freshness", "edge-2");
    await journal.transact(async (records) => {
      await records.turn(acted.id, "acting");
      await records.closeAbout("edge-1", "harbour was taken down");
    });
    expect((await journal.incidents(10, true)).map(({ id }) => id)).toEqual([
      other.id,
      acted.id,
      asked.id,
    ]);
    expect(await journal.incident(stale.id)).toMatchObject({ phase: "resolved" });
    expect(await journal.lastEntry(stale.id)).toMatchObject({
      kind: "closed",
      text: "harbour was taken down",
    });
  });

  test("one incident is open for a check of an object, and the next one after it was closed", async () => {
    await using led = await (await newPlace()).open();
    const { journal } = led;
    const { id } = await journal.transact((records) => opened(records));
    await expect(journal.transact((records) => opened(records))).rejects.toThrow(/unique/i);
    await journal.transact(async (records) => {
      await opened(records, { ...STALE, object: "edge-2" });
      await records.note(id, "closed", "it is over", "resolved");
    });
    expect(await journal.openIncidentOf("edge-1", "freshness")).toBeUndefined();
    const next = await journal.transact((records) => opened(records));
    expect(next.id).toBeGreaterThan(id);
    expect(await journal.countOpen()).toBe(2);
    expect((await journal.incident(id))!.closedUnixNano).toBeGreaterThan(0n);
    expect((await journal.incidents(1, false))[0]!.id).toBe(next.id);
  });

  test("of work that fails nothing is written, and the next work goes on", async () => {
    await using led = await (await newPlace()).open();
    const { journal } = led;
    const { id } = await journal.transact((records) => opened(records));
    const work = journal.transact(async (records) => {
      await records.note(id, "decided", "flush");
      await records.intend((await records.incident(id))!, RESTART, "restart");
      await records.witness({ who: "", what: "restart", before: "", after: "" });
      throw new Error("half-way");
    });
    await expect(work).rejects.toThrow("half-way");
    expect(await kindsOf(journal, id)).toEqual(["seen"]);
    expect(await journal.incident(id)).toMatchObject({ phase: "open", actions: 0 });
    expect(await journal.unsettled()).toEqual([]);
    expect(await journal.generations()).toEqual(new Map());
    expect(await journal.audit(0, 10)).toEqual([]);
  });

  test("transactions come one after the other", async () => {
    await using led = await (await newPlace()).open();
    const { journal } = led;
    const order: string[] = [];
    const work = (name: string) =>
      journal.transact(async (records) => {
        order.push(`${name} begins`);
        await records.countOpen();
        order.push(`${name} ends`);
      });
    await Promise.all(["one", "two", "three"].map(work));
    expect(order).toEqual(["one", "two", "three"].flatMap((n) => [`${n} begins`, `${n} ends`]));
  });

  test("each restart wishes the next generation, and what is wished is known after a restart of OpsBot", async () => {
    const place = await newPlace();
    {
      await using led = await place.open();
      const generations = await led.journal.transact(async (records) => {
        const incident = await opened(records);
        await records.wish("edge-1", "machine", "machine-2");
        await records.wish("edge-1", "machine", "machine-3");
        const first = await records.intend(incident, RESTART, "restart");
        const second = await records.intend({ ...incident, actions: 1 }, RESTART, "restart");
        return [first.generation, second.generation];
      });
      expect(generations).toEqual([2, 3]);
      const keys = (await led.journal.intentsOf(1)).map(({ generation }) => generation);
      expect(keys).toEqual([3, 2]);
    }
    await using led = await place.open();
    expect(await led.journal.generations()).toEqual(new Map([["edge-1", 3]]));
    expect(await led.journal.wishes("machine")).toEqual(new Map([["edge-1", "machine-3"]]));
  });

  test("each term's fencing token is higher, also when the clock goes back", async () => {
    const place = await newPlace();
    const tokens: bigint[] = [];
    for (const year of [2026, 2026, 2020]) {
      await using led = await place.open(Date.UTC(year, 0, 1));
      tokens.push(led.fencingToken);
    }
    expect(tokens[1]).toBeGreaterThan(tokens[0]!);
    expect(tokens[2]).toBeGreaterThan(tokens[1]!);
  });

  test("a journal that begins anew is not barred by the one that was lost, and uses no key of it again", async () => {
    const intend = async (nowMs: number) => {
      await using led = await (await newPlace()).open(nowMs);
      const { idempotencyKey } = await led.journal.transact(async (records) =>
        records.intend(await opened(records), FLUSH, "flush"),
      );
      return [led.fencingToken, idempotencyKey] as const;
    };
    const lost = await intend(START_MS);
    const found = await intend(START_MS + 86_400_000);
    expect(found[0]).toBeGreaterThan(lost[0]);
    expect(found[1]).not.toBe(lost[1]);
  });

  test("what the guard goes by is kept: what was begun, problems, orders, approvals", async () => {
    const place = await newPlace();
    const effect = { target: "edge-1", domain: "edges", runbook: "freshness", isDisruptive: true };
    {
      await using led = await place.open();
      await led.journal.transact(async (records) => {
        const incident = await opened(records);
        for (const actions of [0, 1]) {
          const intent = await records.intend({ ...incident, actions }, FLUSH, "flush");
          await records.guard.begin(intent, { ...effect, beganMs: START_MS + actions });
        }
        await records.guard.order({ kind: "pause", target: "", untilMs: 5, who: "anna" });
        await records.guard.order({ kind: "pause", target: "", untilMs: 7, who: "ben" });
        await records.guard.approve(1, 2, { untilMs: 9, who: "anna" }, 0);
      });
    }
    await using led = await place.open();
    const { guard } = led.journal;
    expect(await guard.newestMs()).toBe(START_MS + 1);
    const begun = await guard.begun(START_MS);
    expect(begun).toEqual([{ ...effect, beganMs: START_MS + 1, isUnderWay: true }]);
    expect(await guard.begun(START_MS + 10)).toHaveLength(1);
    expect(await guard.begun(START_MS - 10)).toMatchObject([
      { beganMs: START_MS, isUnderWay: false },
      { isUnderWay: true },
    ]);
    const problems = await guard.problems("edge-1", "freshness", 0);
    expect(problems).toEqual({ count: 1, endedMs: undefined });
    expect(await guard.orders()).toEqual([{ kind: "pause", target: "", untilMs: 7, who: "ben" }]);
    expect(await guard.isKilled()).toBe(false);
    expect(await guard.approvedUntilMs(1, 2)).toBe(9);
    expect(await guard.approvedUntilMs(1, 1)).toBe(0);
  });

  test("a problem came and went by the clock of the guard, whatever its incident says", async () => {
    const place = await newPlace();
    {
      await using led = await place.open();
      await led.journal.transact(async (records) => {
        const { id } = await opened(records);
        await records.guard.came(id, 5_000);
        await records.note(id, "closed", "it is over", "resolved");
        await records.guard.went(id, 7_000);
      });
    }
    await using led = await place.open();
    const { guard } = led.journal;
    expect(await guard.problems("edge-1", "freshness", 4_999)).toEqual({
      count: 1,
      endedMs: 7_000,
    });
    expect(await guard.problems("edge-1", "freshness", 5_000)).toEqual({
      count: 0,
      endedMs: 7_000,
    });
    expect(await guard.newestMs()).toBe(7_000);
  });

  test("what is not to count makes what was begun and what came newer, and lengthens what was ordered", async () => {
    const place = await newPlace();
    const effect = { target: "edge-1", domain: "edges", runbook: "freshness", isDisruptive: true };
    await using led = await place.open();
    const { journal } = led;
    await journal.transact(async (records) => {
      const { guard } = records;
      const incident = await opened(records);
      const intent = await records.intend(incident, FLUSH, "flush");
      await guard.begin(intent, { ...effect, beganMs: 1_000 });
      await guard.came(incident.id, 900);
      await guard.led(2_000);
      await guard.led(3_000);
      await guard.order({ kind: "pause", target: "", untilMs: 3_001, who: "anna" });
      await guard.order({ kind: "maintenance", target: "edge-1", untilMs: 3_000, who: "anna" });
      await guard.order({ kind: "kill", target: "", untilMs: FOREVER_MS, who: "anna" });
    });
    expect(await journal.guard.newestMs()).toBe(3_000);
    await journal.transact(({ guard }) => guard.moveOn(50_000));
    expect(await journal.guard.begun(0)).toMatchObject([{ beganMs: 51_000 }]);
    const problems = await journal.guard.problems("edge-1", "freshness", 50_899);
    expect(problems).toEqual({ count: 1, endedMs: undefined });
    expect((await journal.guard.orders()).map(({ untilMs }) => untilMs)).toEqual([
      FOREVER_MS,
      3_000,
      53_001,
    ]);
  });

  test("the audit is a chain that shows what was changed, left out or cut off", async () => {
    await using led = await (await newPlace()).open();
    const { journal } = led;
    const witness = (what: string) =>
      journal.transact((records) =>
        records.witness({ who: "anna", what, before: "health critical", after: "" }),
      );
    for (const what of ["flush", "restart", "drain"]) await witness(what);
    const rows = await journal.audit(0, 10);
    expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    const last = { seq: 3, hash: rows[2]!.hash };
    expect(await checkAudit(journal, last)).toEqual({
      lines: 3,
      lastHash: last.hash,
      problem: undefined,
    });
    const over = (changed: typeof rows) =>
      checkAudit({ audit: async (after) => (after === 0 ? changed : []) }, last);
    const [one, two, three] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]];
    expect((await over([one, { ...two, what: "nothing" }, three])).problem).toMatch(/^line 2/);
    expect((await over([one, three])).problem).toMatch(/^line 2: got line 3/);
    expect((await over([one, two])).problem).toMatch(/^line 3 with hash/);
  });

  test("a line of the audit cannot be changed or removed", async () => {
    await using led = await (await newPlace()).open();
    const { journal } = led;
    await journal.transact((records) =>
      records.witness({ who: "anna", what: "flush", before: "", after: "" }),
    );
    for (const statement of ["UPDATE audit SET who = 'ben'", "DELETE FROM audit"])
      await expect(led.database.run(statement)).rejects.toThrow(/only ever added/);
  });

  test("what was written before anybody was to be told is not told; what was written since is, also after a restart", async () => {
    const place = await newPlace();
    {
      await using led = await place.open();
      const reports = led.journal.reports("icinga");
      await led.journal.transact((records) => opened(records));
      expect(await reports.untold(10)).toEqual([]);
      await reports.begin();
      await led.journal.transact((records) => records.note(1, "decided", "flush"));
    }
    await using led = await place.open();
    await led.journal.transact((records) => records.note(1, "closed", "it is over", "resolved"));
    const reports = led.journal.reports("icinga");
    await reports.begin();
    const untold = await reports.untold(10);
    expect(untold).toMatchObject([
      { incidentId: 1, object: "edge-1", check: "freshness", kind: "decided", text: "flush" },
      { kind: "closed", text: "it is over" },
    ]);
    await reports.told(untold[0]!.entry);
    expect(await reports.toldOfOpen(10)).toEqual([]);
    const open = await led.journal.transact((records) => opened(records));
    const [, seen] = await reports.untold(10);
    await reports.told(seen!.entry);
    expect(await reports.toldOfOpen(10)).toMatchObject([{ incidentId: open.id, kind: "seen" }]);
    await reports.told(untold[0]!.entry);
    expect(await reports.untold(10)).toEqual([]);
    await led.journal.reports("webhook").begin();
    expect(await led.journal.reports("webhook").untold(10)).toEqual([]);
  });

  test("each line has a key of its own, the same each time; an action's is that of its effect", async () => {
    await using led = await (await newPlace()).open();
    const reports = led.journal.reports("icinga");
    await reports.begin();
    const intent = await led.journal.transact(async (records) => {
      const incident = await opened(records);
      const intent = await records.intend(incident, FLUSH, "flush");
      await records.settle(intent, "done", "7 objects");
      await records.note(incident.id, "closed", "it is over", "resolved");
      return intent;
    });
    const keys = async () => (await reports.untold(10)).map(({ key }) => key);
    expect(new Set(await keys()).size).toBe(4);
    expect(await keys()).toEqual(await keys());
    expect(await keys()).toContain(`${intent.idempotencyKey}:done`);
  });
}

/** Whatever is asked, in whatever order, with crashes between: the allocator answers as a simple model of it does. */
import { DatabaseSync } from "node:sqlite";

import { systemClock } from "@glassline/service/clock";
import fc from "fast-check";
import { expect, test } from "vitest";

import { openAllocator } from "./open-vnis.ts";
import { vniSettingsOf } from "./settings.ts";
import { SQLITE_VNIS, sqliteVnis } from "./sqlite-vnis.ts";
import { wishOf } from "./vnis.testing.ts";
import type { Vnis } from "./vnis.ts";
import { VniRefusedError } from "./vnis.ts";

const RANGE = { first: 4_090, last: 4_099 };
const SIZE = 10;
const QUOTA = 8;
const SUBNETS = 4;
const SETTINGS = vniSettingsOf({
  ranges: [RANGE],
  tenants: { acme: { quota: QUOTA } },
  ipv4: { pools: ["10.1.0.0/22"] },
});
const NODES = ["node-1", "node-2"];
const PAGE = { after: 0, limit: 100 };

interface Model {
  vnis: Map<string, { vni: number; ipv4: string | undefined }>;
  quarantine: Map<number, { nodes: Set<string>; hasSubnet: boolean }>;
}

const owner = fc.integer({ min: 0, max: 11 }).map((number) => `channel/${number}`);
const nodes = fc.subarray(NODES);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ allocate: owner, ipv4: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ release: owner, nodes }) },
  {
    weight: 3,
    arbitrary: fc.record({ confirm: fc.constantFrom(...NODES), isKept: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ wished: fc.uniqueArray(owner) }) },
  { weight: 1, arbitrary: fc.constant({ crash: true } as const) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function release({ vnis, quarantine }: Model, owner: string, nodes: readonly string[]): void {
  const had = vnis.get(owner);
  if (!had) return;
  vnis.delete(owner);
  const hasSubnet = had.ipv4 !== undefined;
  if (nodes.length > 0) quarantine.set(had.vni, { nodes: new Set(nodes), hasSubnet });
}

async function allocate(vnis: Vnis, model: Model, owner: string, ipv4: boolean): Promise<void> {
  const had = model.vnis.get(owner);
  const subnets =
    [...model.vnis.values()].filter((one) => one.ipv4 !== undefined).length +
    [...model.quarantine.values()].filter(({ hasSubnet }) => hasSubnet).length;
  const used = model.vnis.size + model.quarantine.size;
  const hasRoom = had !== undefined || (model.vnis.size < QUOTA && used < SIZE);
  const mayBe = hasRoom && (!ipv4 || had?.ipv4 !== undefined || subnets < SUBNETS);
  const got = await vnis.allocate(wishOf(owner, { ipv4 })).catch((error: unknown) => error);
  if (!mayBe) return void expect(got).toBeInstanceOf(VniRefusedError);
  expect(got).toMatchObject({ owner });
  const given = got as { vni: number; ipv4: string | undefined };
  if (had) expect(given.vni).toBe(had.vni);
  if (had?.ipv4 !== undefined) expect(given.ipv4).toBe(had.ipv4);
  if (ipv4) expect(given.ipv4).toBeDefined();
  expect(model.quarantine.has(given.vni)).toBe(false);
  model.vnis.set(owner, { vni: given.vni, ipv4: given.ipv4 });
}

async function play(vnis: Vnis, model: Model, step: Step): Promise<void> {
  if ("allocate" in step) await allocate(vnis, model, step.allocate, step.ipv4);
  if ("release" in step) {
    await vnis.release(step.release, step.nodes);
    release(model, step.release, step.nodes);
  }
  if ("confirm" in step) {
    const all = [...model.quarantine];
    const has = new Set(step.isKept ? all.slice(0, 1).map(([vni]) => vni) : []);
    await vnis.confirm(step.confirm, has);
    for (const [vni, { nodes }] of all) {
      if (!has.has(vni)) nodes.delete(step.confirm);
      if (nodes.size === 0) model.quarantine.delete(vni);
    }
  }
  if ("wished" in step) {
    const wished = new Set(step.wished);
    const { leaked } = await vnis.reconcile([], async () => wished);
    const expected = [...model.vnis.keys()].filter((owner) => !wished.has(owner));
    expect(leaked.map(({ owner }) => owner).toSorted()).toEqual(expected.toSorted());
    for (const owner of expected) release(model, owner, []);
  }
}

async function compare(vnis: Vnis, model: Model): Promise<void> {
  const listed = await vnis.list(PAGE);
  expect(new Map(listed.map(({ owner, vni, ipv4 }) => [owner, { vni, ipv4 }]))).toEqual(model.vnis);
  const quarantined = await vnis.quarantined(PAGE);
  expect(new Map(quarantined.map(({ vni, nodes }) => [vni, nodes]))).toEqual(
    new Map([...model.quarantine].map(([vni, { nodes }]) => [vni, [...nodes].toSorted()])),
  );
  const all = [...listed, ...quarantined].map(({ vni }) => vni);
  expect(new Set(all).size).toBe(all.length);
  expect(all.every((vni) => vni >= RANGE.first && vni <= RANGE.last)).toBe(true);
}

test("a random story has the end that the model has", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const file = new DatabaseSync(":memory:");
      file.exec(SQLITE_VNIS.schema);
      const database = sqliteVnis(file);
      let nowMs = 0;
      // Time passes, so that each look for numbers that are left is one.
      const clock = { ...systemClock, monotonicMs: () => (nowMs += 1_000) };
      const open = () => openAllocator(database, SQLITE_VNIS, { settings: SETTINGS, clock });
      let vnis = await open();
      const model: Model = { vnis: new Map(), quarantine: new Map() };
      for (const step of steps) {
        if ("crash" in step) vnis = await open();
        else await play(vnis, model, step);
        await compare(vnis, model);
      }
      await vnis[Symbol.asyncDispose]();
    }),
    { numRuns: 150 },
  );
});

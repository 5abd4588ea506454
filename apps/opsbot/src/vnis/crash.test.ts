/** An allocator that dies before or behind each thing that it asks of its database: the next one ends the story as if nothing had been. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Postgres } from "../stores/postgres.testing.ts";
import { describeWithPostgres, startPostgres } from "../stores/postgres.testing.ts";
import type { Sql } from "../stores/sql.ts";
import { scratch } from "../stores/store.testing.ts";
import type { VniDatabase } from "./dialect.ts";
import type { OpenVnis, VniTestOptions } from "./vnis.testing.ts";
import { openVnisInFile, openVnisInPostgres, wishOf, wishesOf } from "./vnis.testing.ts";
import type { Vnis } from "./vnis.ts";

const PATIENT = { timeout: 240_000 };
const SIZE = 300;
const FOUND = { node: "node-1", vni: 400, owner: "found" };
const SETTINGS = {
  // What is found is nobody's whom the story knows.
  ranges: [
    { first: 1, last: SIZE },
    { first: FOUND.vni, last: FOUND.vni, tenant: "another" },
  ],
  tenants: { acme: { quota: SIZE } },
  ipv4: { pools: ["10.1.0.0/20"] },
};
const TABLES = [
  "vnis",
  "vni_subnets",
  "vni_quarantine",
  "vni_blocks",
  "vni_tenants",
  "vni_network",
];
/** There each boundary takes a second or two. */
const EACH_IN_POSTGRES = 9;
const PAGE = { after: 0, limit: 1_000 };

class DiedError extends Error {
  override readonly name = "DiedError";
}

class Death {
  readonly #at: number;
  reached = 0;

  constructor(at: number) {
    this.#at = at;
  }

  get isDead(): boolean {
    return this.reached >= this.#at;
  }

  boundary(): void {
    this.reached++;
    if (this.isDead) throw new DiedError(`at ${this.#at}`);
  }

  /** Also within transactions, which are undone then. */
  around(database: VniDatabase): VniDatabase {
    const watched = (sql: Sql): Sql => ({
      all: (...asked) => this.#call(() => sql.all(...asked)),
      run: (...asked) => this.#call(() => sql.run(...asked)),
    });
    return {
      ...watched(database),
      transact: (work) => this.#call(() => database.transact((sql) => work(watched(sql)))),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    this.boundary();
    const answer = await call();
    this.boundary();
    return answer;
  }
}

async function story(vnis: Vnis): Promise<void> {
  await vnis.allocate(wishOf("a", { ipv4: true }));
  await vnis.allocateAll([wishOf("b", { ipv4: true }), wishOf("c")]);
  await vnis.release("a", ["node-1"]);
  await vnis.confirm("node-1", new Set([FOUND.vni]));
  await vnis.reconcile([FOUND], async () => new Set(["b", "found"]));
}

async function mustHaveEnded(vnis: Vnis): Promise<void> {
  const owners = (await vnis.list(PAGE)).map(({ owner }) => owner);
  expect(owners.toSorted()).toEqual(["b", "found"]);
  expect(await vnis.of("b")).toMatchObject({ ipv4: expect.stringMatching(/^10\.1\.\d+\.0\/24$/) });
  expect(await vnis.quarantined(PAGE)).toEqual([]);
  // Nothing has leaked: neither VNIs nor the quota nor subnets.
  const rest = await vnis.allocateAll(wishesOf(SIZE - 1));
  expect(new Set(rest.map(({ vni }) => vni)).size).toBe(SIZE - 1);
  await expect(vnis.allocate(wishOf("more"))).rejects.toThrow(/used|quota/);
  const subnets = await vnis.allocateAll(wishesOf(15, { ipv4: true }));
  expect(new Set(subnets.map(({ ipv4 }) => ipv4)).size).toBe(15);
}

type Open = (options: VniTestOptions) => Promise<OpenVnis>;

/** @param step to the next boundary that is tried. @returns how many there are, at least. */
async function dieAtEach(newPlace: () => Promise<Open>, step: number): Promise<number> {
  for (let at = 1; ; at += step) {
    const death = new Death(at);
    const open = await newPlace();
    try {
      await using first = await open({ settings: SETTINGS, around: (each) => death.around(each) });
      await story(first.vnis);
    } catch (error) {
      if (!(error instanceof DiedError)) throw error;
    }
    await using next = await open({ settings: SETTINGS });
    await story(next.vnis);
    await mustHaveEnded(next.vnis);
    if (!death.isDead) return death.reached;
  }
}

describe("in a file", PATIENT, () => {
  test("whenever it dies, the next one ends what it began", async () => {
    const newPlace = async () => {
      const directory = scratch();
      return (options: VniTestOptions) => openVnisInFile(directory, options);
    };
    expect(await dieAtEach(newPlace, 1)).toBeGreaterThan(80);
  });
});

describeWithPostgres()("in PostgreSQL", PATIENT, () => {
  let postgres: Postgres;
  beforeAll(async () => void (postgres = await startPostgres()), 60_000);
  afterAll(() => postgres[Symbol.asyncDispose]());

  test("whenever it dies, the next one ends what it began", async () => {
    const url = await postgres.database();
    const newPlace = async () => {
      await using open = await openVnisInPostgres(url);
      await open.database.run(`TRUNCATE ${TABLES.join(", ")}`);
      return (options: VniTestOptions) => openVnisInPostgres(url, options);
    };
    expect(await dieAtEach(newPlace, EACH_IN_POSTGRES)).toBeGreaterThan(80);
  });
});

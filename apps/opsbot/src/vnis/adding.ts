/** Gives owners their VNIs: those that have none try numbers until each of them has one. */
import { messageOf } from "@glassline/service/errors";

import type { Pool } from "../core/vnis/policy.ts";
import type { FreeNumbers } from "./blocks.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import { isQuotaError } from "./dialect.ts";
import type { Kept } from "./rows.ts";
import { keptBy } from "./rows.ts";
import type { VniWish } from "./vnis.ts";
import { VniRefusedError } from "./vnis.ts";

/** A number that was taken meanwhile costs a round; others that go on cause them. */
const ROUNDS_MAX = 10_000;

export interface AddingDeps {
  database: VniDatabase;
  dialect: VniDialect;
  numbersOf: (pool: Pool) => FreeNumbers;
  quotas: ReadonlyMap<string, number>;
}

export interface Added extends Kept {
  isNew: boolean;
}

/** @param wishes of one pool, each owner once. Rejects with VniRefusedError. */
export async function addVnis(
  wishes: readonly VniWish[],
  pool: Pool,
  deps: AddingDeps,
): Promise<Added[]> {
  // Two replicas with the same wishes meet in the same order.
  let left = wishes.toSorted((a, b) => (a.owner < b.owner ? -1 : 1));
  const all: Added[] = [];
  for (let rounds = 0; left.length > 0; rounds++) {
    if (rounds === ROUNDS_MAX)
      throw new Error(`VNIs of ${pool.name}: got none in ${ROUNDS_MAX} tries, expected one`);
    const added = await addSome(left, pool, deps);
    all.push(...added);
    const served = new Set(added.map(({ owner }) => owner));
    left = left.filter(({ owner }) => !served.has(owner));
  }
  return all;
}

async function addSome(wishes: readonly VniWish[], pool: Pool, deps: AddingDeps): Promise<Added[]> {
  const { database, dialect } = deps;
  const numbers = deps.numbersOf(pool);
  const taken = await numbers.take(wishes.length);
  if (taken.length === 0) return knownOrRefused(wishes, pool, deps);
  const tried = taken.map((vni, at) => ({
    vni,
    owner: wishes[at]!.owner,
    tenant: wishes[at]!.tenant,
  }));
  const rows = await dialect
    .add(database, tried)
    .catch((error: unknown) => Promise.reject(refusal(error, tried, deps)));
  const owners = new Set(rows.map((row) => String(row["owner"])));
  const isNew = (row: (typeof tried)[0]) => owners.has(row.owner);
  const added = tried.filter(isNew).map((row): Added => ({ ...row, net: undefined, isNew: true }));
  if (added.length === tried.length) return added;
  const others = tried.filter((row) => !isNew(row));
  const kept = await keptBy(
    database,
    others.map(({ owner }) => owner),
    dialect,
  );
  // They had one, and did not need another. What met a number that is taken does not try it again.
  numbers.giveBack(others.filter(({ owner }) => kept.has(owner)).map(({ vni }) => vni));
  return [...added, ...[...kept.values()].map((one) => ({ ...one, isNew: false }))];
}

/** When there is no number left. */
async function knownOrRefused(
  wishes: readonly VniWish[],
  { name, spans }: Pool,
  { database, dialect }: AddingDeps,
): Promise<Added[]> {
  const kept = await keptBy(
    database,
    wishes.map(({ owner }) => owner),
    dialect,
  );
  const without = wishes.find(({ owner }) => !kept.has(owner));
  if (without) {
    const count = spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    throw new VniRefusedError(
      `VNI for ${without.owner}: got a range (${name}) of which all ${count} are used or quarantined, expected one that is free`,
    );
  }
  return [...kept.values()].map((one) => ({ ...one, isNew: false }));
}

function refusal(error: unknown, tried: readonly { tenant: string }[], deps: AddingDeps): unknown {
  if (!isQuotaError(messageOf(error))) return error;
  const tenants = [...new Set(tried.map(({ tenant }) => tenant))];
  const limited = tenants.filter((tenant) => deps.quotas.has(tenant));
  const text = (limited.length > 0 ? limited : tenants)
    .map((tenant) => `${tenant} (${deps.quotas.get(tenant) ?? "as another OpsBot has it"})`)
    .join(", ");
  return new VniRefusedError(
    `VNI: got ${tried.length} more than the quota of ${text} lets be, expected fewer`,
    { cause: error },
  );
}

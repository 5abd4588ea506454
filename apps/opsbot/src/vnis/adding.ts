/** Gives owners their VNIs: those that have none try numbers until each of them has one. */
import { messageOf } from "@glassline/service/errors";

import type { Pool } from "../core/vnis/policy.ts";
import { sizeOf } from "../core/vnis/spans.ts";
import type { FreeNumbers } from "./blocks.ts";
import type { VniDatabase, VniDialect, VniRow } from "./dialect.ts";
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
    if (added.length === left.length) break;
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
  if (await addTried(tried, deps))
    return tried.map((row) => ({ ...row, net: undefined, isNew: true }));
  const owners = tried.map(({ owner }) => owner);
  const kept = await keptBy(database, owners, dialect);
  const isNew = ({ owner, vni }: VniRow) => kept.get(owner)?.vni === vni;
  // They had one, and did not need another. What met a number that is taken does not try it again.
  const unused = tried.filter((row) => kept.has(row.owner) && !isNew(row));
  numbers.giveBack(unused.map(({ vni }) => vni));
  return tried.flatMap((row) => {
    const found = kept.get(row.owner);
    return found ? [{ ...found, isNew: isNew(row) }] : [];
  });
}

/** @returns whether all of them are new. */
async function addTried(tried: readonly VniRow[], deps: AddingDeps): Promise<boolean> {
  const { database, dialect } = deps;
  try {
    if (await dialect.addAll(database, tried)) return true;
    await dialect.add(database, tried);
    return false;
  } catch (error) {
    throw refusal(error, tried, deps);
  }
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
    const count = spans.reduce((sum, span) => sum + sizeOf(span), 0);
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

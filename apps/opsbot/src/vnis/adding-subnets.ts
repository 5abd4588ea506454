/** Gives VNIs their IPv4 subnets, which no other one has. */
import { addressesOf, networkText, subnetOf } from "../core/vnis/subnets.ts";
import type { Added } from "./adding.ts";
import type { FreeNumbers } from "./blocks.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import { keptBy } from "./rows.ts";
import type { Ipv4Settings } from "./settings.ts";
import { VniRefusedError } from "./vnis.ts";

const ROUNDS_MAX = 10_000;

export interface AddingSubnetsDeps {
  database: VniDatabase;
  dialect: VniDialect;
  numbersOf: (settings: Ipv4Settings) => FreeNumbers;
}

/** @param all without subnets. @returns them with subnets. Rejects with VniRefusedError. */
export async function addSubnets(
  all: readonly Added[],
  settings: Ipv4Settings,
  deps: AddingSubnetsDeps,
): Promise<Added[]> {
  const done: Added[] = [];
  let left = [...all];
  for (let rounds = 0; left.length > 0; rounds++) {
    if (rounds === ROUNDS_MAX)
      throw new Error(`subnets: got none in ${ROUNDS_MAX} tries, expected one`);
    const added = await addSome(left, settings, deps);
    done.push(...added);
    const served = new Set(added.map(({ vni }) => vni));
    left = left.filter(({ vni }) => !served.has(vni));
  }
  return done;
}

async function addSome(
  left: readonly Added[],
  settings: Ipv4Settings,
  { database, dialect, numbersOf }: AddingSubnetsDeps,
): Promise<Added[]> {
  const numbers = numbersOf(settings);
  const taken = await numbers.take(left.length);
  if (taken.length === 0)
    throw new VniRefusedError(
      `subnet for ${left[0]!.owner}: got pools (${settings.pools.map(networkText).join(", ")}) of which each /${settings.prefix} is used or quarantined, expected one that is free`,
    );
  const tried = taken.map((number, at) => {
    const network = subnetOf(number, settings.prefix);
    return { number, added: { ...left[at]!, net: networkText(network) }, ...addressesOf(network) };
  });
  const rows = await dialect.addSubnets(
    database,
    tried.map(({ added: { vni, net }, first, last }) => ({ vni, net, first, last })),
  );
  const written = new Set(rows.map((row) => Number(row["vni"])));
  const others = tried.filter(({ added }) => !written.has(added.vni));
  const added = tried.filter((one) => written.has(one.added.vni)).map((one) => one.added);
  if (others.length === 0) return added;
  // Somebody else has asked for the same owner, or has this subnet.
  const owners = others.map(({ added }) => added.owner);
  const kept = await keptBy(database, owners, dialect);
  const has = (owner: string) => kept.get(owner)?.net !== undefined;
  numbers.giveBack(others.filter(({ added }) => has(added.owner)).map(({ number }) => number));
  const found = owners.filter(has).map((owner) => ({ ...kept.get(owner)!, isNew: false }));
  return [...added, ...found];
}

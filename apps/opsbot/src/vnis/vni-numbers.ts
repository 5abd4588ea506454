/** Which numbers of VNIs and of subnets there are for a wish, and which of them are taken. */
import type { Pool } from "../core/vnis/policy.ts";
import { blocksOf } from "../core/vnis/spans.ts";
import type { Network } from "../core/vnis/subnets.ts";
import {
  addressesOf,
  networkText,
  numbersOf,
  numbersTouched,
  subnetOf,
} from "../core/vnis/subnets.ts";
import { VNI_BLOCK } from "../core/vnis/vni.ts";
import { first } from "../stores/sql.ts";
import type { Numbers } from "./blocks.ts";
import type { VniDialect } from "./dialect.ts";
import type { Ipv4Settings } from "./settings.ts";

/** Subnets that a replica leases at once. */
const SUBNET_BLOCK = 256;

export function vniNumbers({ key, spans }: Pool, { joined }: VniDialect): Numbers {
  return {
    pool: `vni ${key}`,
    kind: "vni",
    blocks: () => blocksOf(spans, VNI_BLOCK),
    taken: async (sql, block) => {
      const row = await first(
        sql,
        `SELECT ${joined("vni")} AS taken FROM vnis WHERE vni BETWEEN $1 AND $2`,
        block.first,
        block.last,
      );
      const taken = row?.["taken"];
      return new Set(typeof taken === "string" ? taken.split(",").map(Number) : []);
    },
  };
}

export function subnetNumbers(
  { pools, prefix }: Ipv4Settings,
  { subnetsWithin }: VniDialect,
): Numbers {
  return {
    pool: `ipv4 ${pools.map(networkText).join(",")} /${prefix}`,
    kind: "ipv4",
    blocks: () =>
      blocksOf(
        pools.map((pool) => numbersOf(pool, prefix)),
        SUBNET_BLOCK,
      ),
    taken: async (sql, block) => {
      const network = networkAround(subnetOf(block.first, prefix), subnetOf(block.last, prefix));
      const { first, last } = addressesOf(network);
      const taken = new Set<number>();
      for (const row of await sql.all(subnetsWithin, first, last, networkText(network))) {
        const reach = { first: Number(row["first"]), last: Number(row["last"]) };
        const touched = numbersTouched(reach, prefix);
        const from = Math.max(touched.first, block.first);
        for (let each = from; each <= Math.min(touched.last, block.last); each++) taken.add(each);
      }
      return taken;
    },
  };
}

/** The smallest network with both. */
function networkAround(one: Network, other: Network): Network {
  let { prefix } = one;
  const cut = (address: number) => address - (address % 2 ** (32 - prefix));
  while (cut(one.address) !== cut(other.address)) prefix--;
  return { address: cut(one.address), prefix };
}

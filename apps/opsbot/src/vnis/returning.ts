/** Blocks that are marked as used up though some of their numbers are free: of replicas that died, and of VNIs that were removed. */
import type { VniDatabase } from "./dialect.ts";

export type Kind = "vni" | "ipv4";

/** Counted in one statement. */
const BLOCKS_MAX = 64;

/** @returns how many may be leased again; of subnets all, without looking. */
export async function returnBlocks(
  database: VniDatabase,
  pool: string,
  kind: Kind,
): Promise<number> {
  if (kind === "ipv4")
    return database.run("UPDATE vni_blocks SET used_up = 0 WHERE pool = $1 AND used_up = 1", pool);
  const rows = await database.all(
    "SELECT first FROM vni_blocks WHERE pool = $1 AND used_up = 1 ORDER BY first",
    pool,
  );
  let returned = 0;
  for (let at = 0; at < rows.length; at += BLOCKS_MAX) {
    const some = rows.slice(at, at + BLOCKS_MAX);
    returned += await database.run(
      `UPDATE vni_blocks SET used_up = 0 WHERE pool = $1 AND first BETWEEN $2 AND $3 AND used_up = 1
         AND (SELECT count(*) FROM vnis WHERE vni BETWEEN first AND last) < last - first + 1`,
      pool,
      Number(some[0]!["first"]),
      Number(some.at(-1)!["first"]),
    );
  }
  return returned;
}

/** Of all pools, also of those that are not configured any more. @returns how many blocks of VNIs. */
export async function returnAllBlocks(database: VniDatabase): Promise<number> {
  const rows = await database.all("SELECT DISTINCT pool, kind FROM vni_blocks ORDER BY pool");
  let returned = 0;
  for (const row of rows) {
    const kind = row["kind"] === "ipv4" ? "ipv4" : "vni";
    const count = await returnBlocks(database, String(row["pool"]), kind);
    if (kind === "vni") returned += count;
  }
  return returned;
}

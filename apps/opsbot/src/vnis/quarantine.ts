/** VNIs that were released: kept from others until each node that had them has confirmed that they are removed. */
import { VNI_BLOCK } from "../core/vnis/vni.ts";
import type { Row, Sql } from "../stores/sql.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import type { Page, Quarantined } from "./vnis.ts";

export interface QuarantineDeps {
  database: VniDatabase;
  dialect: VniDialect;
}

export interface Release {
  owner: string;
  nodes: readonly string[];
}

/** In one transaction. */
const CHANGES_MAX = 1_024;

/** @param releases each owner once; who has no VNI is left out. */
export async function releaseAll(
  releases: readonly Release[],
  { database, dialect }: QuarantineDeps,
): Promise<void> {
  for (let at = 0; at < releases.length; at += CHANGES_MAX) {
    const some = releases.slice(at, at + CHANGES_MAX);
    await database.transact((sql) => releaseSome(sql, some, dialect));
  }
}

async function releaseSome(
  sql: Sql,
  releases: readonly Release[],
  dialect: VniDialect,
): Promise<void> {
  const owners = JSON.stringify(releases.map(({ owner }) => ({ owner })));
  const rows = await sql.all(
    `SELECT vni, owner, tenant FROM vnis WHERE ${dialect.among("owner", "owner", "TEXT")}
     ORDER BY vni ${dialect.forUpdate}`,
    owners,
  );
  if (rows.length === 0) return;
  const vnis = rows.map((row) => ({ vni: Number(row["vni"]) }));
  await sql.run(
    `UPDATE vnis SET former_owner = owner, owner = NULL WHERE ${dialect.among("vni", "vni", "INTEGER")}`,
    JSON.stringify(vnis),
  );
  await uncount(sql, rows, dialect);
  const vniOf = new Map(rows.map((row) => [String(row["owner"]), Number(row["vni"])]));
  const waiting = releases.flatMap(({ owner, nodes }) =>
    vniOf.has(owner) ? nodes.map((node) => ({ vni: vniOf.get(owner)!, node })) : [],
  );
  await awaitNodes(sql, waiting, dialect);
  await freeUnawaited(
    sql,
    vnis.map(({ vni }) => vni),
    dialect,
  );
}

/** A ceiling above the quota, because that was lowered, comes down with what is used. */
async function uncount(sql: Sql, rows: readonly Row[], { given }: VniDialect): Promise<void> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const tenant = String(row["tenant"]);
    counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  }
  const less = [...counts].map(([name, count]) => ({ name, count }));
  await sql.run(
    `UPDATE vni_tenants SET used = used - given.count,
       ceiling = CASE WHEN used - given.count > quota THEN used - given.count ELSE quota END
     FROM ${given({ name: "TEXT", count: "BIGINT" })} WHERE tenant = given.name`,
    JSON.stringify(less.toSorted((a, b) => (a.name < b.name ? -1 : 1))),
  );
}

export async function awaitNodes(
  sql: Sql,
  waiting: readonly { vni: number; node: string }[],
  { given }: VniDialect,
): Promise<void> {
  await sql.run(
    `INSERT INTO vni_quarantine (vni, node)
     SELECT vni, node FROM ${given({ vni: "INTEGER", node: "TEXT" })} WHERE true ON CONFLICT DO NOTHING`,
    JSON.stringify(waiting),
  );
}

export async function confirmRemoved(
  node: string,
  has: ReadonlySet<number>,
  { database, dialect }: QuarantineDeps,
): Promise<void> {
  const still = JSON.stringify([...has].map((vni) => ({ vni })));
  for (;;) {
    const confirmed = await database.transact((sql) => confirmSome(sql, node, still, dialect));
    if (confirmed < CHANGES_MAX) return;
  }
}

/** @returns how many. */
async function confirmSome(
  sql: Sql,
  node: string,
  still: string,
  dialect: VniDialect,
): Promise<number> {
  const rows = await sql.all(
    `SELECT vni FROM vni_quarantine
     WHERE node = $2 AND vni NOT IN (SELECT vni FROM ${dialect.given({ vni: "INTEGER" })})
     ORDER BY vni LIMIT ${CHANGES_MAX}`,
    still,
    node,
  );
  if (rows.length === 0) return 0;
  const vnis = rows.map((row) => Number(row["vni"]));
  const confirmed = JSON.stringify(vnis.map((vni) => ({ vni })));
  const those = dialect.among("vni", "vni", "INTEGER");
  // Of two nodes that confirm at once the second one sees what the first one did.
  await sql.all(`SELECT vni FROM vnis WHERE ${those} ORDER BY vni ${dialect.forUpdate}`, confirmed);
  await sql.run(`DELETE FROM vni_quarantine WHERE node = $2 AND ${those}`, confirmed, node);
  await freeUnawaited(sql, vnis, dialect);
  return vnis.length;
}

/** Those for which nobody is waited any more can be given away. */
async function freeUnawaited(
  sql: Sql,
  vnis: readonly number[],
  { given, among }: VniDialect,
): Promise<void> {
  const those = among("vni", "vni", "INTEGER");
  const rows = await sql.all(
    `SELECT vni FROM vnis WHERE ${those} AND owner IS NULL
       AND NOT EXISTS (SELECT 1 FROM vni_quarantine AS q WHERE q.vni = vnis.vni)`,
    JSON.stringify(vnis.map((vni) => ({ vni }))),
  );
  if (rows.length === 0) return;
  const freed = rows.map((row) => Number(row["vni"]));
  const text = JSON.stringify(freed.map((vni) => ({ vni })));
  const subnets = await sql.run(`DELETE FROM vni_subnets WHERE ${those}`, text);
  await sql.run(`DELETE FROM vnis WHERE ${those}`, text);
  const blocks = new Set(freed.map((vni) => Math.floor(vni / VNI_BLOCK)));
  const spans = [...blocks].map((block) => ({
    low: block * VNI_BLOCK,
    high: block * VNI_BLOCK + VNI_BLOCK - 1,
  }));
  await sql.run(
    `UPDATE vni_blocks SET used_up = 0 WHERE used_up = 1 AND kind = 'vni' AND EXISTS (
       SELECT 1 FROM ${given({ low: "INTEGER", high: "INTEGER" })} WHERE first <= high AND last >= low
     )`,
    JSON.stringify(spans),
  );
  if (subnets > 0)
    await sql.run("UPDATE vni_blocks SET used_up = 0 WHERE used_up = 1 AND kind = 'ipv4'");
}

export async function quarantinedAfter(
  { after, limit }: Page,
  { database, dialect }: QuarantineDeps,
): Promise<Quarantined[]> {
  const rows = await database.all(
    `SELECT vni, former_owner, (
       SELECT ${dialect.joined("node")} FROM vni_quarantine AS q WHERE q.vni = vnis.vni
     ) AS nodes FROM vnis WHERE owner IS NULL AND vni > $1 ORDER BY vni LIMIT $2`,
    after,
    limit,
  );
  return rows.map((row) => ({
    vni: Number(row["vni"]),
    formerOwner: String(row["former_owner"]),
    nodes: String(row["nodes"] ?? "")
      .split(",")
      .filter((node) => node !== "")
      .toSorted(),
  }));
}

/** Each is found by the index behind the one before: there are few of them, and may be millions of VNIs. */
export async function awaitedNodes({ database }: Pick<QuarantineDeps, "database">) {
  const rows = await database.all(
    `WITH RECURSIVE each (node) AS (
       SELECT min(node) FROM vni_quarantine
       UNION ALL SELECT (SELECT min(q.node) FROM vni_quarantine AS q WHERE q.node > each.node)
       FROM each WHERE each.node IS NOT NULL
     ) SELECT node FROM each WHERE node IS NOT NULL`,
  );
  return rows.map((row) => String(row["node"]));
}

export async function countAwaiting(
  node: string,
  { database }: Pick<QuarantineDeps, "database">,
): Promise<number> {
  const [row] = await database.all(
    "SELECT count(*) AS vnis FROM vni_quarantine WHERE node = $1",
    node,
  );
  return Number(row!["vnis"]);
}

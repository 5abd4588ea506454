/** What is written down of VNIs, read. */
import type { Row, Sql } from "../stores/sql.ts";
import type { VniDialect } from "./dialect.ts";

/** An allocation as it is kept: the IPv6 network follows from the VNI. */
export interface Kept {
  owner: string;
  vni: number;
  tenant: string;
  /** "10.64.3.0/24" */
  net: string | undefined;
}

const KEPT =
  "SELECT v.vni, v.owner, v.tenant, s.net FROM vnis AS v LEFT JOIN vni_subnets AS s ON s.vni = v.vni";

export async function keptBy(
  sql: Sql,
  owners: readonly string[],
  { among }: VniDialect,
): Promise<Map<string, Kept>> {
  const rows = await sql.all(
    `${KEPT} WHERE ${among("v.owner", "owner", "TEXT")}`,
    JSON.stringify(owners.map((owner) => ({ owner }))),
  );
  return new Map(rows.map(keptOf).map((kept) => [kept.owner, kept]));
}

/** Of those that belong to somebody, in the order of their VNIs. */
export async function keptAfter(sql: Sql, after: number, limit: number): Promise<Kept[]> {
  const rows = await sql.all(
    `${KEPT} WHERE v.vni > $1 AND v.owner IS NOT NULL ORDER BY v.vni LIMIT $2`,
    after,
    limit,
  );
  return rows.map(keptOf);
}

function keptOf(row: Row): Kept {
  const net = row["net"];
  return {
    owner: String(row["owner"]),
    vni: Number(row["vni"]),
    tenant: String(row["tenant"]),
    net: typeof net === "string" ? net : undefined,
  };
}

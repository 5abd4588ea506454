/** The quotas as they are configured, written where the database holds to them. */
import type { Sql } from "../stores/sql.ts";
import { first } from "../stores/sql.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import type { TenantQuota } from "./vnis.ts";

/** Of several replicas the one that started last says what counts. */
export async function writeQuotas(
  database: VniDatabase,
  quotas: ReadonlyMap<string, number>,
  dialect: VniDialect,
): Promise<void> {
  const rows = await database.all("SELECT tenant, quota FROM vni_tenants");
  const known = new Map(rows.map((row) => [String(row["tenant"]), Number(row["quota"])]));
  const isSame =
    known.size === quotas.size && [...quotas].every(([name, quota]) => known.get(name) === quota);
  if (isSame) return;
  await database.transact(async (sql) => {
    // What is counted here is all that there is: those that come later count themselves.
    await dialect.lockVnis(sql);
    for (const [tenant, quota] of quotas) await writeOne(sql, tenant, quota);
    for (const tenant of known.keys())
      if (!quotas.has(tenant)) await sql.run("DELETE FROM vni_tenants WHERE tenant = $1", tenant);
  });
}

export async function readQuotas(sql: Sql): Promise<TenantQuota[]> {
  const rows = await sql.all("SELECT tenant, quota, used FROM vni_tenants ORDER BY tenant");
  return rows.map((row) => ({
    tenant: String(row["tenant"]),
    quota: Number(row["quota"]),
    used: Number(row["used"]),
  }));
}

/** Who has more than a new quota keeps it, and gets no more. */
async function writeOne(sql: Sql, tenant: string, quota: number): Promise<void> {
  const row = await first(
    sql,
    "SELECT count(*) AS used FROM vnis WHERE tenant = $1 AND owner IS NOT NULL",
    tenant,
  );
  const used = Number(row?.["used"]);
  await sql.run(
    `INSERT INTO vni_tenants (tenant, quota, ceiling, used) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant) DO UPDATE SET quota = $2, ceiling = $3, used = $4`,
    tenant,
    quota,
    Math.max(quota, used),
    used,
  );
}

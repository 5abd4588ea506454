/** The allocator as it is configured: in PostgreSQL where there is one, else in a file. */
import { join } from "node:path";

import type { AppDeps } from "@glassline/service/app";
import { openDatabase } from "@glassline/service/database";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { OpsBotConfig } from "../config.ts";
import { globalIdOf } from "../core/vnis/vni.ts";
import { readPostgresSettings } from "../stores/postgres-settings.ts";
import { first } from "../stores/sql.ts";
import { Allocator } from "./allocator.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import { POSTGRES_VNIS, makeTables, postgresVnis } from "./postgres-vnis.ts";
import type { VniSettings } from "./settings.ts";
import { readVniSettings } from "./settings.ts";
import { SQLITE_VNIS, sqliteVnis } from "./sqlite-vnis.ts";
import { writeQuotas } from "./tenants.ts";
import type { Vnis } from "./vnis.ts";

/** To PostgreSQL. */
const CONNECTIONS_MAX = 4;
/** So long a block is kept for a replica that does not use it any more. */
const BLOCK_LEASE_MS = 60_000;

type VniConfig = Pick<OpsBotConfig, "dataDir" | "postgres" | "postgresCa" | "tenants">;

/** Rejects with OperatorError. */
export async function openVnis(
  config: VniConfig,
  { clock, logger }: Pick<AppDeps, "clock" | "logger">,
): Promise<Vnis> {
  const settings = await readVniSettings(config.tenants);
  const connection = await readPostgresSettings(config);
  if (!connection)
    return openAllocator(openVnisFile(config.dataDir), SQLITE_VNIS, { settings, clock });
  const database = postgresVnis({ connection, connections: CONNECTIONS_MAX, logger });
  try {
    await makeTables(database);
    return await openAllocator(database, POSTGRES_VNIS, { settings, clock });
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw new OperatorError(`PostgreSQL (--postgres): ${messageOf(error)}`, { cause: error });
  }
}

/** Throws OperatorError when another process has it. */
export function openVnisFile(directory: string): VniDatabase {
  return sqliteVnis(openDatabase(join(directory, "vnis.sqlite"), SQLITE_VNIS.schema));
}

export interface AllocatorOptions extends Pick<AppDeps, "clock"> {
  settings: VniSettings;
  leaseMs?: number;
  random?: () => number;
}

/** @param database with its tables; it is closed with the allocator. */
export async function openAllocator(
  database: VniDatabase,
  dialect: VniDialect,
  { settings, clock, leaseMs = BLOCK_LEASE_MS, random = Math.random }: AllocatorOptions,
): Promise<Vnis> {
  await writeQuotas(database, settings.quotas, dialect);
  const globalId = await globalIdIn(database);
  return new Allocator({ database, dialect, settings, globalId, clock, leaseMs, random });
}

/** Chosen once for all replicas. */
async function globalIdIn(database: VniDatabase): Promise<string> {
  const random = crypto.getRandomValues(new Uint32Array(1))[0]!;
  await database.run(
    "INSERT INTO vni_network (id, global_id) VALUES (1, $1) ON CONFLICT DO NOTHING",
    globalIdOf(random),
  );
  return String((await first(database, "SELECT global_id FROM vni_network"))!["global_id"]);
}

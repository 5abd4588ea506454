/** Allocators of tests: in a file, and in a real PostgreSQL. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";

import { patiently } from "../stores/postgres.testing.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import type { AllocatorOptions } from "./open-vnis.ts";
import { openAllocator, openVnisFile } from "./open-vnis.ts";
import { POSTGRES_VNIS, makeTables, postgresVnis } from "./postgres-vnis.ts";
import { vniSettingsOf } from "./settings.ts";
import { SQLITE_VNIS } from "./sqlite-vnis.ts";
import type { VniWish, Vnis } from "./vnis.ts";

const logger = createLogger("opsbot", "silent");

export interface OpenVnis extends AsyncDisposable {
  vnis: Vnis;
  /** Below it. */
  database: VniDatabase;
}

export type VniTestOptions = Partial<Omit<AllocatorOptions, "settings">> & {
  /** As a file has them. */
  settings?: unknown;
  connections?: number;
  /** What the allocator sees of its database. */
  around?: (database: VniDatabase) => VniDatabase;
};

export async function openVnisInFile(
  directory: string,
  options: VniTestOptions = {},
): Promise<OpenVnis> {
  return opened(openVnisFile(directory), SQLITE_VNIS, options);
}

export async function openVnisInPostgres(
  url: string,
  options: VniTestOptions = {},
): Promise<OpenVnis> {
  const connection = patiently(url);
  const { connections = 4 } = options;
  const database = postgresVnis({ connection, connections, logger });
  await makeTables(database);
  return opened(database, POSTGRES_VNIS, options);
}

async function opened(
  database: VniDatabase,
  dialect: VniDialect,
  { settings, clock = systemClock, around = (same) => same, ...more }: VniTestOptions,
): Promise<OpenVnis> {
  const options = { ...more, clock, settings: vniSettingsOf(settings ?? {}) };
  const vnis = await openAllocator(around(database), dialect, options).catch(async (error) => {
    await database[Symbol.asyncDispose]();
    throw error;
  });
  return { vnis, database, [Symbol.asyncDispose]: () => vnis[Symbol.asyncDispose]() };
}

export const wishOf = (owner: string, more: Partial<VniWish> = {}): VniWish => ({
  owner,
  tenant: "acme",
  ipv4: false,
  ...more,
});

export const wishesOf = (count: number, more: Partial<VniWish> = {}): VniWish[] =>
  Array.from({ length: count }, (_, at) => wishOf(`channel/${at}`, more));

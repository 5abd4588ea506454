/** An allocator in a process of its own: it does what it is told until it is killed, and asks again when the database is away. */
import { setTimeout as delay } from "node:timers/promises";

import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";

import type { Seen } from "../../src/core/vnis/reconcile.ts";
import { openAllocator } from "../../src/vnis/open-vnis.ts";
import { POSTGRES_VNIS, makeTables, postgresVnis } from "../../src/vnis/postgres-vnis.ts";
import { vniSettingsOf } from "../../src/vnis/settings.ts";
import type { Vnis } from "../../src/vnis/vnis.ts";
import { VniRefusedError } from "../../src/vnis/vnis.ts";
import type { Chunk, Order, Told } from "./words.ts";
import { NODE, TENANT, isDropped, numberOf, ownerOf } from "./words.ts";

const CONNECTIONS = 3;
const RETRY_MS = 50;
/** What is refused for so long is. */
const REFUSED_MS = 30_000;
/** Short: blocks of those that were killed come back while it runs. */
const LEASE_MS = 5_000;
const LIST_MAX = 10_000;

const tell = (told: Told) => void process.send!(told);

/** Until it is done: whoever is restarted comes back. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  let refusedSinceMs = 0;
  for (;;)
    try {
      return await work();
    } catch (error) {
      const nowMs = performance.now();
      if (!(error instanceof VniRefusedError)) refusedSinceMs = 0;
      else if (refusedSinceMs === 0) refusedSinceMs = nowMs;
      else if (nowMs - refusedSinceMs > REFUSED_MS) throw error;
      await delay(RETRY_MS);
    }
}

async function allocate(vnis: Vnis, chunk: Chunk): Promise<void> {
  const wishes = Array.from({ length: chunk.count }, (_, at) => ({
    owner: ownerOf(chunk.first + at),
    tenant: TENANT,
    ipv4: false,
  }));
  const all = await patiently(() => vnis.allocateAll(wishes));
  tell({ allocated: chunk, vnis: Uint32Array.from(all, ({ vni }) => vni) });
}

type Dropping = Extract<Order, { reconcile: unknown }>["reconcile"];

/** Millions of owners, none of which is kept in memory. */
class Wished extends Set<string> {
  readonly #about: Dropping;

  constructor(about: Dropping) {
    super();
    this.#about = about;
  }

  override has(owner: string): boolean {
    return !isDropped(numberOf(owner), this.#about);
  }
}

async function reconcile(vnis: Vnis, about: Dropping): Promise<void> {
  const wished = new Wished(about);
  const seen = await patiently(() => someDropped(vnis, about));
  const askedWished = async () => {
    tell({ looking: true });
    return wished;
  };
  const { leaked, blocksReturned } = await patiently(() => vnis.reconcile(seen, askedWished));
  // What is seen is on the node still.
  await patiently(() => vnis.confirm(NODE, new Set(seen.map(({ vni }) => vni))));
  await patiently(() => vnis.confirm(NODE, new Set()));
  tell({ reconciled: { leaked: leaked.length, blocksReturned } });
}

async function someDropped(vnis: Vnis, about: Dropping): Promise<Seen[]> {
  const page = await vnis.list({ after: 0, limit: LIST_MAX });
  return page
    .filter(({ owner }) => isDropped(numberOf(owner), about))
    .slice(0, about.seen)
    .map(({ vni, owner }) => ({ node: NODE, vni, owner }));
}

async function obey(vnis: Vnis, order: Order): Promise<void> {
  try {
    if ("allocate" in order) await allocate(vnis, order.allocate);
    else await reconcile(vnis, order.reconcile);
  } catch (error) {
    tell({ refused: error instanceof Error ? error.message : String(error) });
  }
}

const [connectionString, settings] = process.argv.slice(2) as [string, string];
const logger = createLogger("torture-vnis", "silent");
const database = postgresVnis({
  connection: { connectionString },
  connections: CONNECTIONS,
  logger,
});
await patiently(() => makeTables(database));
const vnis = await patiently(() =>
  openAllocator(database, POSTGRES_VNIS, {
    settings: vniSettingsOf(JSON.parse(settings)),
    clock: systemClock,
    leaseMs: LEASE_MS,
  }),
);
process.on("message", (order: Order) => void obey(vnis, order));
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
tell({ ready: true });

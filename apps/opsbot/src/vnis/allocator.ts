/** Gives VNIs and subnets away. What is written in the database alone counts. */
import { randomUUID } from "node:crypto";

import type { Clock } from "@glassline/service/clock";

import type { Pool } from "../core/vnis/policy.ts";
import { poolFor } from "../core/vnis/policy.ts";
import type { Seen } from "../core/vnis/reconcile.ts";
import { formulaIpv4, ipv6Of } from "../core/vnis/vni.ts";
import type { Added } from "./adding.ts";
import { addVnis } from "./adding.ts";
import { addSubnets } from "./adding-subnets.ts";
import type { BlocksDeps, Numbers } from "./blocks.ts";
import { FreeNumbers } from "./blocks.ts";
import type { VniDatabase, VniDialect } from "./dialect.ts";
import {
  awaitedNodes,
  confirmRemoved,
  countAwaiting,
  quarantinedAfter,
  releaseAll,
} from "./quarantine.ts";
import { importSeen, releaseLeaked } from "./reconciling.ts";
import { returnAllBlocks } from "./returning.ts";
import type { Kept } from "./rows.ts";
import { keptAfter, keptBy } from "./rows.ts";
import type { Ipv4Settings, VniSettings } from "./settings.ts";
import { readQuotas } from "./tenants.ts";
import { subnetNumbers, vniNumbers } from "./vni-numbers.ts";
import { Together } from "./together.ts";
import type {
  Allocation,
  Page,
  Quarantined,
  Reconciled,
  TenantQuota,
  VniWish,
  Vnis,
} from "./vnis.ts";
import { VniRefusedError } from "./vnis.ts";
import { checkPage, checkWish } from "./wishes.ts";

export interface AllocatorDeps {
  /** With its schema; it is closed with this. */
  database: VniDatabase;
  dialect: VniDialect;
  settings: VniSettings;
  /** Ten hexadecimal digits. */
  globalId: string;
  clock: Clock;
  /** How long a block that nobody uses is kept from others. */
  leaseMs: number;
  random: () => number;
}

/** In one statement. */
const BATCH_MAX = 4_096;
/** Of those who ask for one each. */
const [TOGETHER_MAX, TOGETHER_AT_ONCE] = [256, 4];
/** Whose range is remembered. */
const SCOPES_MAX = 10_000;

export class Allocator implements Vnis {
  readonly #deps: AllocatorDeps;
  readonly #blocks: BlocksDeps;
  /** By tenant, region and site. */
  readonly #pools = new Map<string, Pool>();
  readonly #free = new Map<string, FreeNumbers>();
  readonly #together = new Together<VniWish, Allocation>({
    answerAll: (wishes) => this.allocateAll(wishes),
    keyOf: ({ owner }) => owner,
    most: TOGETHER_MAX,
    atOnce: TOGETHER_AT_ONCE,
  });

  constructor(deps: AllocatorDeps) {
    this.#deps = deps;
    this.#blocks = { ...deps, holder: randomUUID() };
  }

  allocate(wish: VniWish): Promise<Allocation> {
    return this.#together.ask(wish);
  }

  async allocateAll(wishes: readonly VniWish[]): Promise<readonly Allocation[]> {
    const allocations = new Map<string, Allocation>();
    for (let at = 0; at < wishes.length; at += BATCH_MAX)
      for (const [pool, some] of this.#byPool(wishes.slice(at, at + BATCH_MAX)))
        for (const allocation of await this.#allocateSome(some, pool))
          allocations.set(allocation.owner, allocation);
    return wishes.map(({ owner }) => allocations.get(owner)!);
  }

  async of(owner: string): Promise<Allocation | undefined> {
    const { database, dialect } = this.#deps;
    const kept = (await keptBy(database, [owner], dialect)).get(owner);
    return kept && this.#allocationOf(kept);
  }

  async list(page: Page): Promise<readonly Allocation[]> {
    checkPage(page);
    const all = await keptAfter(this.#deps.database, page.after, page.limit);
    return all.map((kept) => this.#allocationOf(kept));
  }

  async quarantined(page: Page): Promise<readonly Quarantined[]> {
    checkPage(page);
    return quarantinedAfter(page, this.#deps);
  }

  awaitedNodes(): Promise<readonly string[]> {
    return awaitedNodes(this.#deps);
  }

  countAwaiting(node: string): Promise<number> {
    return countAwaiting(node, this.#deps);
  }

  quotas(): Promise<readonly TenantQuota[]> {
    return readQuotas(this.#deps.database);
  }

  async release(owner: string, nodes: readonly string[]): Promise<void> {
    await releaseAll([{ owner, nodes }], this.#deps);
  }

  async confirm(node: string, has: ReadonlySet<number>): Promise<void> {
    await confirmRemoved(node, has, this.#deps);
  }

  async reconcile(
    seen: readonly Seen[],
    wished: Parameters<Vnis["reconcile"]>[1],
  ): Promise<Reconciled> {
    const found = await importSeen(seen, this.#deps);
    const leaked = await releaseLeaked(seen, wished, this.#deps);
    return { ...found, leaked, blocksReturned: await returnAllBlocks(this.#deps.database) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Who cannot be told finds the leases old.
    for (const free of this.#free.values()) await free.leave().catch(() => {});
    await this.#deps.database[Symbol.asyncDispose]();
  }

  #byPool(wishes: readonly VniWish[]): Map<Pool, Map<string, VniWish>> {
    const all = new Map<Pool, Map<string, VniWish>>();
    for (const wish of wishes) {
      checkWish(wish);
      const pool = this.#poolOf(wish);
      all.set(pool, (all.get(pool) ?? new Map<string, VniWish>()).set(wish.owner, wish));
    }
    return all;
  }

  #poolOf(wish: VniWish): Pool {
    const { owner, tenant, region, site } = wish;
    // A name has no such character.
    const scope = `${tenant}\u0000${region}\u0000${site}`;
    const known = this.#pools.get(scope);
    if (known) return known;
    const found = poolFor(wish, this.#deps.settings.ranges);
    if (!found)
      throw new VniRefusedError(
        `VNI for ${owner}: got tenant ${tenant}, region ${region ?? "none"} and site ${site ?? "none"}, expected some for which there is a range`,
      );
    if (this.#pools.size >= SCOPES_MAX) this.#pools.clear();
    const pool = this.#pools.values().find(({ key }) => key === found.key) ?? found;
    this.#pools.set(scope, pool);
    return pool;
  }

  async #allocateSome(wishes: ReadonlyMap<string, VniWish>, pool: Pool): Promise<Allocation[]> {
    const { settings, dialect } = this.#deps;
    const added = await addVnis([...wishes.values()], pool, {
      ...this.#deps,
      numbersOf: (each) => this.#numbers(vniNumbers(each, dialect)),
      quotas: settings.quotas,
    });
    for (const { owner, tenant } of added) {
      const { tenant: expected } = wishes.get(owner)!;
      if (tenant !== expected && tenant !== "")
        throw new VniRefusedError(
          `VNI for ${owner}: got tenant ${expected}, expected ${tenant}, to which its VNI belongs`,
        );
    }
    const all = await this.#withSubnets(added, wishes);
    return all.map((kept) => {
      const allocation = this.#allocationOf(kept);
      return wishes.get(kept.owner)!.ipv4 ? allocation : { ...allocation, ipv4: kept.net };
    });
  }

  async #withSubnets(
    added: readonly Added[],
    wishes: ReadonlyMap<string, VniWish>,
  ): Promise<Kept[]> {
    const isWithout = ({ owner, net }: Added) => net === undefined && wishes.get(owner)!.ipv4;
    const bySettings = new Map<Ipv4Settings, Added[]>();
    for (const one of added.filter(isWithout)) {
      const ipv4 = this.#ipv4Of(wishes.get(one.owner)!.tenant);
      if (ipv4 !== "formula") bySettings.set(ipv4, [...(bySettings.get(ipv4) ?? []), one]);
    }
    const served = new Map<string, Kept>();
    for (const [ipv4, some] of bySettings)
      for (const kept of await this.#addSubnets(some, ipv4)) served.set(kept.owner, kept);
    return added.map((one) => served.get(one.owner) ?? one);
  }

  /** An owner that cannot have all that it wished has nothing, as before. */
  async #addSubnets(some: readonly Added[], ipv4: Ipv4Settings): Promise<Kept[]> {
    const { dialect } = this.#deps;
    try {
      return await addSubnets(some, ipv4, {
        ...this.#deps,
        numbersOf: (each) => this.#numbers(subnetNumbers(each, dialect)),
      });
    } catch (error) {
      const unused = some.filter(({ isNew }) => isNew).map(({ owner }) => ({ owner, nodes: [] }));
      if (error instanceof VniRefusedError) await releaseAll(unused, this.#deps);
      throw error;
    }
  }

  #ipv4Of(tenant: string): Ipv4Settings | "formula" {
    const { ipv4, tenantIpv4 } = this.#deps.settings;
    return tenantIpv4.get(tenant) ?? ipv4;
  }

  #numbers(numbers: Numbers): FreeNumbers {
    const known = this.#free.get(numbers.pool);
    if (known) return known;
    const made = new FreeNumbers(numbers, this.#blocks);
    this.#free.set(numbers.pool, made);
    return made;
  }

  /** By the formula each VNI has a network; who does not wish it is given none. */
  #allocationOf({ owner, vni, tenant, net }: Kept): Allocation {
    const formula = this.#ipv4Of(tenant) === "formula" ? formulaIpv4(vni) : undefined;
    return { owner, vni, tenant, ipv6: ipv6Of(this.#deps.globalId, vni), ipv4: net ?? formula };
  }
}

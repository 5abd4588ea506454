/** Who has which VNI, and which subnets with it. A port: several replicas ask at once, and no VNI has two owners ever. */
import type { Conflict, Seen } from "../core/vnis/reconcile.ts";

export interface Allocation {
  owner: string;
  vni: number;
  /** Empty: it was found on a node, and nobody knows. */
  tenant: string;
  /** "fd47:4c00:1:1170::/64" */
  ipv6: string;
  /** "10.64.3.0/24"; undefined: none was wished. */
  ipv4: string | undefined;
}

export interface VniWish {
  /** Whatever names it for good: "channel/cam-0001". At most 256 characters. */
  owner: string;
  tenant: string;
  region?: string | undefined;
  site?: string | undefined;
  ipv4: boolean;
}

/** A VNI that was released, and may not be given away yet. */
export interface Quarantined {
  vni: number;
  /** Whose it was. */
  formerOwner: string;
  /** Who has not confirmed yet that it is removed. */
  nodes: readonly string[];
}

export interface TenantQuota {
  tenant: string;
  /** Most VNIs at once. */
  quota: number;
  /** More than the quota where that was lowered. */
  used: number;
}

/** What comes behind a VNI, in their order. */
export interface Page {
  /** 0: from the first one on. */
  after: number;
  /** At most 10,000. */
  limit: number;
}

export interface Reconciled {
  /** What was found on nodes, and is written down now. */
  imported: readonly Seen[];
  /** What was found there, and cannot be: for people. */
  conflicts: readonly Conflict[];
  /** What nobody wished, and is released now. */
  leaked: readonly { owner: string; vni: number }[];
  /** Blocks that were taken for used up, and are not. */
  blocksReturned: number;
}

export interface Vnis extends AsyncDisposable {
  /**
   * The same answer to the same owner, whoever asks, after any crash. Rejects with VniRefusedError when the quota of the tenant, or the
   * range, is used up; whatever else it rejects with passes, and whoever asks again gets what was written down.
   */
  allocate(wish: VniWish): Promise<Allocation>;
  /** Many at once, in the order of the wishes; when it rejects, some of them may have what they wished. */
  allocateAll(wishes: readonly VniWish[]): Promise<readonly Allocation[]>;
  of(owner: string): Promise<Allocation | undefined>;
  list(page: Page): Promise<readonly Allocation[]>;
  quarantined(page: Page): Promise<readonly Quarantined[]>;
  /** Those that have not confirmed everything yet, by their names. */
  awaitedNodes(): Promise<readonly string[]>;
  /** How many VNIs wait for this one. */
  countAwaiting(node: string): Promise<number>;
  /** Of tenants that have one. */
  quotas(): Promise<readonly TenantQuota[]>;
  /**
   * The owner has none any more; nobody else gets the VNI and its subnets until each of these nodes has confirmed that it is removed.
   * Nothing happens when the owner has none.
   */
  release(owner: string, nodes: readonly string[]): Promise<void>;
  /**
   * @param has VNIs that the node still had when it had been told to remove the others: what it has no more is confirmed. A node that is
   * gone for good has none.
   */
  confirm(node: string, has: ReadonlySet<number>): Promise<void>;
  /**
   * What nodes have is written down when it is free, and told when it cannot be.
   * @param wished the owners that there shall be, asked after what is written down was read: whoever wishes does so before it allocates.
   * All others are released, until the nodes that were seen with their VNIs confirm.
   */
  reconcile(
    seen: readonly Seen[],
    wished: () => Promise<Pick<ReadonlySet<string>, "has">>,
  ): Promise<Reconciled>;
}

/** Nothing is left for it, or it may not be: says what, what was got and what was expected. */
export class VniRefusedError extends Error {
  override readonly name = "VniRefusedError";
}

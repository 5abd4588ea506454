/** What is written down of VNIs against what nodes have and what anybody wishes. */
import { messageOf } from "@glassline/service/errors";

import type { Conflict, Held, Seen } from "../core/vnis/reconcile.ts";
import { judgeSeen } from "../core/vnis/reconcile.ts";
import { isVni } from "../core/vnis/vni.ts";
import type { Row } from "../stores/sql.ts";
import { isQuotaError } from "./dialect.ts";
import type { QuarantineDeps, Release } from "./quarantine.ts";
import { awaitNodes, releaseAll } from "./quarantine.ts";
import { keptAfter } from "./rows.ts";
import type { Reconciled, Vnis } from "./vnis.ts";

const PAGE = 10_000;
/** What is seen is judged in parts: VNIs of the same part, and their owners, are read together. */
const SEEN_AT_ONCE = 4_096;

/** Writes down what can be. @returns what was, and what could not be. */
export async function importSeen(
  seen: readonly Seen[],
  deps: QuarantineDeps,
): Promise<Pick<Reconciled, "imported" | "conflicts">> {
  const imported: Seen[] = [];
  const conflicts: Conflict[] = [];
  const inOrder = seen.toSorted((a, b) => a.vni - b.vni);
  for (let at = 0; at < inOrder.length; at += SEEN_AT_ONCE) {
    const some = inOrder.slice(at, at + SEEN_AT_ONCE);
    const { imports, conflicts: found, lingering } = judgeSeen(some, await heldOf(some, deps));
    conflicts.push(...found);
    if (lingering.length > 0)
      await deps.database.transact((sql) => awaitNodes(sql, lingering, deps.dialect));
    for (const one of imports) {
      const problem = await importOne(one, deps);
      if (problem === undefined) imported.push(one);
      else conflicts.push({ ...one, problem });
    }
  }
  return { imported, conflicts };
}

async function heldOf(
  seen: readonly Seen[],
  { database, dialect }: QuarantineDeps,
): Promise<Held[]> {
  const rows = await database.all(
    `SELECT vni, owner FROM vnis WHERE ${dialect.among("vni", "vni", "INTEGER")}
       OR ${dialect.among("owner", "owner", "TEXT")}`,
    JSON.stringify(seen.map(({ vni, owner }) => ({ vni: isVni(vni) ? vni : 0, owner }))),
  );
  return rows.map(heldIn);
}

function heldIn(row: Row): Held {
  const owner = row["owner"];
  return { vni: Number(row["vni"]), owner: typeof owner === "string" ? owner : undefined };
}

/** @returns what keeps it from being written down, for people. */
async function importOne(
  { vni, owner, tenant = "" }: Seen,
  { database, dialect }: QuarantineDeps,
): Promise<string | undefined> {
  try {
    const added = await dialect.add(database, [{ vni, owner, tenant }]);
    return added > 0
      ? undefined
      : `got ${owner} with VNI ${vni}, of which one was given away just now`;
  } catch (error) {
    if (!isQuotaError(messageOf(error))) throw error;
    return `got ${owner} with VNI ${vni}, which is more than the quota of ${tenant}`;
  }
}

/** @param seen where the VNIs of those are that nobody wishes. */
export async function releaseLeaked(
  seen: readonly Seen[],
  wished: Parameters<Vnis["reconcile"]>[1],
  deps: QuarantineDeps,
): Promise<Reconciled["leaked"]> {
  const nodesOf = new Map<number, string[]>();
  for (const { vni, node } of seen) nodesOf.set(vni, [...(nodesOf.get(vni) ?? []), node]);
  const leaked: { owner: string; vni: number }[] = [];
  for (let after = 0; ;) {
    const page = await keptAfter(deps.database, after, PAGE);
    if (page.length === 0) return leaked;
    after = page.at(-1)!.vni;
    // Only now: what is wished was wished before it was written down.
    const owners = await wished();
    const unwished = page.filter(({ owner }) => !owners.has(owner));
    await releaseAll(
      unwished.map(({ owner, vni }): Release => ({ owner, nodes: nodesOf.get(vni) ?? [] })),
      deps,
    );
    leaked.push(...unwished.map(({ owner, vni }) => ({ owner, vni })));
  }
}

/** What nodes have against what is written down: what is taken over, and what is in conflict. Pure. */
import { OWNER_CHARS, TENANT_CHARS, isName } from "./names.ts";
import { VNIS, isVni } from "./vni.ts";

/** A VNI that a node has. */
export interface Seen {
  node: string;
  vni: number;
  owner: string;
  /** Empty: nobody knows. */
  tenant?: string | undefined;
}

/** What is written down of a VNI. */
export interface Held {
  vni: number;
  /** Undefined: it was released, and nodes may still have it. */
  owner: string | undefined;
}

export interface Conflict extends Seen {
  /** For people: what was got, and what was expected. */
  problem: string;
}

export interface Judged {
  /** Free, and nobody else's: each VNI once. */
  imports: Seen[];
  conflicts: Conflict[];
  /** Released, and still on a node. */
  lingering: Seen[];
}

/** @param held of the VNIs and of the owners that were seen. */
export function judgeSeen(seen: readonly Seen[], held: readonly Held[]): Judged {
  const ownerOf = new Map(held.map(({ vni, owner }) => [vni, owner]));
  const vniOf = new Map<string, number>();
  for (const { vni, owner } of held) if (owner !== undefined) vniOf.set(owner, vni);
  const judged: Judged = { imports: [], conflicts: [], lingering: [] };
  for (const one of seen.toSorted(byVni)) {
    const problem = problemOf(one, ownerOf, vniOf);
    if (problem !== undefined) judged.conflicts.push({ ...one, problem });
    else if (!ownerOf.has(one.vni)) {
      judged.imports.push(one);
      ownerOf.set(one.vni, one.owner);
      vniOf.set(one.owner, one.vni);
    } else if (ownerOf.get(one.vni) === undefined) judged.lingering.push(one);
  }
  return judged;
}

function problemOf(
  { vni, owner, tenant = "" }: Seen,
  ownerOf: ReadonlyMap<number, string | undefined>,
  vniOf: ReadonlyMap<string, number>,
): string | undefined {
  if (!isVni(vni)) return `got VNI ${vni}, expected ${VNIS.first} to ${VNIS.last}`;
  if (!isName(owner, OWNER_CHARS) || (tenant !== "" && !isName(tenant, TENANT_CHARS)))
    return `got VNI ${vni} of ${JSON.stringify(owner)}, expected an owner of 1 to ${OWNER_CHARS} characters, and a tenant of at most ${TENANT_CHARS}`;
  const holder = ownerOf.get(vni);
  if (holder !== undefined && holder !== owner)
    return `got ${owner} with VNI ${vni}, which belongs to ${holder}`;
  const other = vniOf.get(owner);
  if (holder === undefined && !ownerOf.has(vni) && other !== undefined)
    return `got ${owner} with VNI ${vni}, expected ${other}, which belongs to it`;
  return undefined;
}

/** The same answer in whichever order nodes were asked. */
const byVni = (a: Seen, b: Seen) =>
  a.vni - b.vni || compare(a.owner, b.owner) || compare(a.node, b.node);

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

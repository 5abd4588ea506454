/** What edges of a cluster tell each other, as JSON. */
import { OWN_PATH } from "../core/address.ts";
import type { NamedPurge, Position } from "../core/purge-log.ts";
import type { Purge, PurgeTarget } from "../core/purges.ts";

/** Below it, addresses are those of the cluster; all others are objects. */
export const CLUSTER_PATH = `${OWN_PATH}cluster/`;
export const STATE_PATH = `${CLUSTER_PATH}state`;
export const PURGES_PATH = `${CLUSTER_PATH}purges`;
/** Behind it the address of an object, which is given if it is in the store. */
export const HELD_PATH = `${CLUSTER_PATH}held`;
/** In an answer of an edge that got none from the origin. */
export const AWAY_FIELD = "glassline-origin-away";
/** In a question to a shield: the edges that it came through. Of viewers it is not heard. */
export const WAY_FIELD = "glassline-way";

export interface EdgeState {
  edge: string;
  /** The end of the purges that it has done. */
  log: Position;
  /** How far it has read those of others, by name. */
  read: Record<string, Position>;
}

export interface ToldPurges {
  edge: string;
  /** Where they end. */
  log: Position;
  purges: NamedPurge[];
}

/** Throws TypeError. */
export function parseState(text: string): EdgeState {
  const { edge, log, read } = objectOf(JSON.parse(text));
  return {
    edge: textOf("edge", edge),
    log: textOf("log", log),
    read: Object.fromEntries(
      Object.entries(objectOf(read)).map(([name, position]) => [name, textOf("read", position)]),
    ),
  };
}

/** Throws TypeError. */
export function parsePurges(text: string): ToldPurges {
  const { edge, log, purges } = objectOf(JSON.parse(text));
  if (!Array.isArray(purges)) throw unlike("purges", purges, "a list");
  return { edge: textOf("edge", edge), log: textOf("log", log), purges: purges.map(namedPurgeOf) };
}

function namedPurgeOf(value: unknown): NamedPurge {
  const { id, purge } = objectOf(value);
  return { id: textOf("id", id), purge: purgeOf(purge) };
}

function purgeOf(value: unknown): Purge {
  const { target, isSoft } = objectOf(value);
  if (typeof isSoft !== "boolean") throw unlike("isSoft", isSoft, "true or false");
  return { target: targetOf(target), isSoft } as Purge;
}

function targetOf(value: unknown): PurgeTarget {
  if (value === "everything") return value;
  const target = objectOf(value);
  if ("key" in target) return { key: textOf("key", target.key) };
  if ("prefix" in target) return { prefix: textOf("prefix", target.prefix) };
  return { tag: textOf("tag", target.tag) };
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw unlike("message", value, "an object");
  return value as Record<string, unknown>;
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== "string") throw unlike(name, value, "a text");
  return value;
}

const unlike = (name: string, value: unknown, expected: string) =>
  new TypeError(`${name}: got ${JSON.stringify(value)}, expected ${expected}`);

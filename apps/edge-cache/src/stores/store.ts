/** What an edge keeps: a port. */
import type { Fields } from "../core/http/fields.ts";
import type { Policy } from "../core/http/freshness.ts";
import type { Moments } from "../core/http/newer.ts";
import type { ContentRange } from "../core/http/ranges.ts";
import type { Selecting } from "../core/http/vary.ts";
import type { WidePurge } from "../core/purges.ts";

/** Never changed: what is new replaces it. */
export interface StoredResponse {
  readonly status: number;
  /** Without those of a connection, and without Age. */
  readonly fields: Fields;
  /** What the request had to say for this answer (Vary). */
  readonly selecting: Selecting;
  readonly policy: Policy;
  /** When its age was 0, on the monotonic clock, milliseconds. */
  readonly bornMs: number;
  readonly body: Buffer;
  /** Which bytes of the whole the body is; undefined: all. */
  readonly part: ContentRange | undefined;
  /** Purged together (Surrogate-Key, Cache-Tag). */
  readonly tags: readonly string[];
  /** Number of the newest purge when it was asked for. */
  readonly since: number;
  /** Not there: nothing that is under way is older. */
  readonly moments?: Moments;
}

export interface Purged {
  objects: number;
  bytes: number;
}

export interface Store {
  /** All variants of an object, the newest first; also those that are not fresh. */
  get(key: string): readonly StoredResponse[];
  /** Takes the place of the variant with the same selection. @returns false when it is larger than the store may be. */
  set(key: string, response: StoredResponse): boolean;
  remove(key: string): Purged;
  /** Nobody will ask for it any more: it makes room before all others. */
  leave(key: string): void;
  /** It is stale from now on. */
  soften(key: string): Purged;
  /** Frees what a purge, which has its number already, has made unusable. Resolves with what it hit, softly or not. */
  purged(purge: WidePurge): Promise<Purged>;
  /** Brings an object to where `get` finds it, from a store behind this one. Undefined: it is not there, or here already. Never rejects. */
  load?(key: string): Promise<void> | undefined;
  /** Resolves when what was removed or softened so far stays so after a restart. Rejects when that cannot be had. */
  settled?(): Promise<void>;
  readonly objects: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

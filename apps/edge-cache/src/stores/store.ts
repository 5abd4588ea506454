/** What an edge keeps: a port. */

export interface StoredObject {
  status: number;
  contentType: string;
  cacheControl: string | undefined;
  etag: string | undefined;
  body: Buffer;
  /** Purged together (Surrogate-Key). */
  tags: readonly string[];
  /** On the monotonic clock, milliseconds. */
  storedMs: number;
  freshUntilMs: number;
}

export interface Purged {
  objects: number;
  bytes: number;
}

export interface Store {
  /** Also an object that is fresh no more. */
  get(key: string): StoredObject | undefined;
  /** @returns false when it is larger than the store may be. */
  set(key: string, object: StoredObject): boolean;
  purgeKey(key: string): Purged;
  purgeTag(tag: string): Purged;
  purgeAll(): Purged;
  readonly objects: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** A disk store in a folder of its own, for tests; it can be killed and opened again, here or as a copy. */
import { cp, mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Clock } from "@glassline/service/clock";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";

import { Fields } from "../../core/http/fields.ts";
import { Purges } from "../../core/purges.ts";
import type { StoredResponse } from "../store.ts";
import type { DiskStore, DiskStoreDeps } from "./disk-store.ts";
import { openDisk } from "./open-disk.ts";

export const SEGMENT_BYTES = 65_536;

export interface TestDisk extends AsyncDisposable {
  store: DiskStore;
  purges: Purges;
  /** How often, by what came of a read, or why something was dropped. */
  counts: Record<string, number>;
}

export async function startDisk(
  directory: string,
  more: Partial<Pick<DiskStoreDeps, "maxBytes" | "segmentBytes" | "hotKeys" | "clock">> = {},
): Promise<TestDisk> {
  const purges = new Purges();
  const counts: Record<string, number> = {};
  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);
  const store = await openDisk({
    directory,
    maxBytes: 64 * SEGMENT_BYTES,
    segmentBytes: SEGMENT_BYTES,
    purges,
    clock: systemClock as Clock,
    logger: createLogger("edge-cache", "silent"),
    read: count,
    dropped: count,
    hotKeys: () => [],
    ...more,
  });
  return { store, purges, counts, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

export interface Folder extends AsyncDisposable {
  path: string;
  /** As it is now: what a kill at this moment would leave. */
  copy(): Promise<Folder>;
  segments(): Promise<{ path: string; bytes: number }[]>;
  /** Cuts the newest segment. */
  cut(bytes: number): Promise<void>;
}

export async function newFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "glassline-edge-"));
  const segments = async () => {
    const names = (await readdir(path)).filter((name) => name.endsWith(".segment")).toSorted();
    const paths = names.map((name) => join(path, name));
    return Promise.all(paths.map(async (path) => ({ path, bytes: (await stat(path)).size })));
  };
  return {
    path,
    segments,
    copy: async () => {
      const folder = await newFolder();
      await cp(path, folder.path, { recursive: true });
      return folder;
    },
    cut: async (bytes) => truncate((await segments()).at(-1)!.path, bytes),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export function response(
  body: string | Buffer,
  more: Partial<StoredResponse> = {},
): StoredResponse {
  return {
    status: 200,
    fields: new Fields([
      ["content-type", "video/mp4"],
      ["etag", '"\u00e9"'],
    ]),
    selecting: new Map(),
    policy: {
      lifetimeMs: 3_600_000,
      noCache: false,
      mustRevalidate: false,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: undefined,
    },
    bornMs: performance.now(),
    body: Buffer.from(body),
    part: undefined,
    tags: [],
    since: 0,
    ...more,
  };
}

/** Of the first variant; undefined: it is not there. */
export async function bodyOf(store: DiskStore, key: string): Promise<string | undefined> {
  return (await store.read(key))?.[0]?.body.toString("latin1");
}

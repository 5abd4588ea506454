/** Fills a folder with small objects as an edge would, then waits to be killed. Words: folder, objects. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";

import { Fields } from "../src/core/http/fields.ts";
import { Purges } from "../src/core/purges.ts";
import { openDisk, segmentBytesOf } from "../src/stores/disk/open-disk.ts";
import type { StoredResponse } from "../src/stores/store.ts";

export const DISK_BYTES = 4_294_967_296;
export const pathOf = (object: number): string => `/live/bench/small-${object}.m4s`;
const BODY_BYTES = 400;
const AT_ONCE = 5_000;

export const bodyOf = (object: number): Buffer => Buffer.alloc(BODY_BYTES, `${object} `);

function responseOf(object: number): StoredResponse {
  return {
    status: 200,
    fields: new Fields([
      ["date", new Date().toUTCString()],
      ["content-type", "video/iso.segment"],
      ["content-length", String(BODY_BYTES)],
      ["cache-control", "max-age=86400"],
      ["etag", `"${object}"`],
    ]),
    selecting: new Map(),
    policy: {
      lifetimeMs: 86_400_000,
      noCache: false,
      mustRevalidate: false,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: undefined,
    },
    bornMs: systemClock.monotonicMs(),
    body: bodyOf(object),
    part: undefined,
    tags: [],
    since: 0,
  };
}

if (import.meta.main) {
  const [directory = "", objects = "0"] = process.argv.slice(2);
  const store = await openDisk({
    directory,
    maxBytes: DISK_BYTES,
    segmentBytes: segmentBytesOf(DISK_BYTES),
    purges: new Purges(),
    clock: systemClock,
    logger: createLogger("edge-cache", "warn"),
    read: () => {},
    dropped: (reason) => {
      throw new Error(`got ${reason}, expected room`);
    },
    hotKeys: () => [],
  });
  for (let object = 0; object < Number(objects); object++) {
    store.put(pathOf(object), [responseOf(object)]);
    if (object % AT_ONCE === 0) await store.settled();
  }
  await store.settled();
  process.stdout.write("filled\n");
}

/** Fetches what a viewer of a channel would ask for next, so that it is in the cache. */
import type { Playlist } from "@glassline/hls/playlist";
import { PlaylistError, parsePlaylist } from "@glassline/hls/playlist";
import { RpcError } from "@glassline/proto/errors";

import type { Cache } from "./cache.ts";
import type { Address } from "./core/address.ts";
import { addressOf } from "./core/address.ts";
import { UpstreamError } from "./upstream/upstream.ts";

/** A live player begins three segments from the end (RFC 8216bis section 6.3.3). */
const NEWEST_SEGMENTS = 3;
const VARIANTS_MAX = 16;

export interface Primed {
  objects: number;
  bytes: number;
}

/** @param path of a playlist below this edge's origin; addresses elsewhere are never followed. Throws RpcError. */
export async function prime(cache: Cache, path: string): Promise<Primed> {
  const primed: Primed = { objects: 0, bytes: 0 };
  const take = async (address: Address): Promise<Buffer> => {
    const { object } = await cache.get(address).catch((error: unknown) => {
      if (error instanceof UpstreamError)
        throw new RpcError("unavailable", error.message, { cause: error });
      throw error;
    });
    if (object.status !== 200)
      throw new RpcError(
        "not_found",
        `${address.path}: the origin answers with status ${object.status}`,
      );
    primed.objects++;
    primed.bytes += object.body.length;
    return object.body;
  };
  await follow(path, take);
  return primed;
}

async function follow(path: string, take: (address: Address) => Promise<Buffer>): Promise<void> {
  const address = addressOf(path);
  if (address?.kind !== "playlist")
    throw new RpcError(
      "invalid_argument",
      `path: got ${JSON.stringify(path)}, expected that of a playlist`,
    );
  const playlist = read(await take(address), path);
  if (playlist.kind === "multivariant") {
    for (const { uri } of playlist.variants.slice(0, VARIANTS_MAX)) {
      const variant = below(uri, path);
      if (variant) await follow(variant, take);
    }
    return;
  }
  const newest = playlist.segments.slice(-NEWEST_SEGMENTS);
  const uris = new Set(newest.flatMap(({ uri, mapUri }) => (mapUri ? [mapUri, uri] : [uri])));
  for (const uri of uris) {
    const object = addressOf(below(uri, path) ?? "");
    if (object) await take(object);
  }
}

function read(body: Buffer, path: string): Playlist {
  try {
    return parsePlaylist(body.toString("utf8"));
  } catch (error) {
    if (error instanceof PlaylistError)
      throw new RpcError("failed_precondition", `${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Path and query of a relative address; undefined for one on another server. */
function below(uri: string, path: string): string | undefined {
  const { host, pathname, search } = new URL(uri, `http://origin${path}`);
  return host === "origin" ? `${pathname}${search}` : undefined;
}

/** A channel that an encoder pushes: what it sent, kept as long as a playlist names it and a little longer. */
import { createHash } from "node:crypto";

import type { MediaPlaylist, Playlist } from "@glassline/hls/playlist";
import { PlaylistError, parsePlaylist } from "@glassline/hls/playlist";
import { mapUris, urisIn } from "@glassline/hls/uris";
import { writeMultivariantPlaylist } from "@glassline/hls/write";
import { ChannelKind } from "@glassline/proto/origin";
import { RpcError } from "@glassline/proto/errors";

import { PUSHED_TYPES, pushedExtension, withinChannel } from "../core/push-path.ts";
import type { Channel, Found } from "./channel.ts";
import {
  INDEX,
  MULTIVARIANT_MAX_AGE_S,
  PLAYLIST_TYPE,
  SEGMENT_MAX_AGE_S,
  channelPath,
  playlistMaxAgeS,
} from "./channel.ts";

/** What no playlist names is kept for so long: players that are late, segments that come before their playlist. */
const UNNAMED_KEPT_MS = 60_000;
/** Made by the origin when an encoder pushes media playlists only. */
const MEDIA_ALIAS = "media.m3u8";

/** A segment by its name alone: an encoder that starts again may send another under the same one. */
const BARE_NAME_MAX_AGE_S = 1;
/** "~0f1e2d3c4b5a/seg-1.m4s": the object of that name with that content, which never changes. */
const TAGGED = /^~([0-9a-f]{12})\/(.+)$/;

interface Stored extends Found {
  storedMs: number;
  /** Of a segment: says which content it is. */
  tag: string;
  playlist: Playlist | undefined;
  /** Of a playlist: the objects that it names, as paths within the channel. */
  names: readonly string[];
}

export interface PushChannel extends Channel {
  /** Stores an object. Throws RpcError: a name, playlist or size that is not accepted. */
  put(path: string, body: Buffer, nowMs: number): void;
  /** @returns whether there was such an object. */
  delete(path: string): boolean;
  /** When the encoder sent something, Unix milliseconds. */
  readonly lastPutMs: number;
  readonly storedBytes: number;
}

export function pushChannel(name: string, maxBytes: number): PushChannel {
  const objects = new Map<string, Stored>();
  let [storedBytes, lastPutMs] = [0, 0];

  const remove = (path: string): boolean => {
    storedBytes -= objects.get(path)?.body.length ?? 0;
    return objects.delete(path);
  };
  const forget = (nowMs: number) => {
    const named = new Set([...objects.values()].flatMap(({ names }) => names));
    for (const [path, { storedMs, playlist }] of objects) {
      if (!playlist && !named.has(path) && nowMs - storedMs > UNNAMED_KEPT_MS) remove(path);
    }
  };
  const media = () =>
    [...objects].flatMap(([path, { playlist }]) =>
      playlist?.kind === "media" ? [{ path, playlist }] : [],
    );

  const find = (path: string): Found | undefined => {
    const index = objects.get(INDEX);
    // An encoder without a multivariant playlist may call its media playlist as we call ours.
    if (path === INDEX && index?.playlist?.kind !== "multivariant") return indexOf(media());
    const tagged = TAGGED.exec(path);
    if (tagged) {
      const object = objects.get(tagged[2]!);
      return object && object.tag === tagged[1]
        ? { ...object, maxAgeS: SEGMENT_MAX_AGE_S }
        : undefined;
    }
    if (path === MEDIA_ALIAS && !objects.has(MEDIA_ALIAS)) return index && tagNames(index, INDEX);
    const object = objects.get(path);
    return object && tagNames(object, path);
  };
  /** A playlist that names its segments together with their content, so that caches never mix them up. */
  const tagNames = (object: Stored, path: string): Found => {
    if (object.playlist?.kind !== "media") return object;
    const up = "../".repeat(path.split("/").length - 1);
    const body = mapUris(object.body.toString("utf8"), (uri) => {
      const name = withinChannel(uri, path)!;
      const tag = objects.get(name)?.tag;
      return tag ? `${up}~${tag}/${name}` : uri;
    });
    return { ...object, body: Buffer.from(body) };
  };

  return {
    name,
    get lastPutMs() {
      return lastPutMs;
    },
    get storedBytes() {
      return storedBytes;
    },
    find,
    put(path, body, nowMs) {
      const extension = pushedExtension(path);
      if (!extension)
        throw new RpcError(
          "invalid_argument",
          `name: got ${JSON.stringify(path)}, expected letters, digits, "-", "_" and "." ending in ${Object.keys(PUSHED_TYPES).join(", ")}`,
        );
      const playlist = extension === "m3u8" ? readPlaylist(path, body) : undefined;
      const names = playlist ? namesIn(body.toString("utf8"), path) : [];
      forget(nowMs);
      const before = objects.get(path)?.body.length ?? 0;
      if (storedBytes - before + body.length > maxBytes)
        throw new RpcError(
          "resource_exhausted",
          `channel ${name} holds ${storedBytes} bytes, expected at most ${maxBytes}: shorten the playlist's window or raise --push-memory`,
        );
      remove(path);
      objects.set(path, {
        body,
        contentType: PUSHED_TYPES[extension]!,
        maxAgeS: maxAgeOf(playlist),
        storedMs: nowMs,
        tag: playlist ? "" : createHash("sha256").update(body).digest("hex").slice(0, 12),
        playlist,
        names,
      });
      storedBytes += body.length;
      lastPutMs = nowMs;
    },
    delete: remove,
    status() {
      const playlists = media();
      const newest = playlists[0]?.playlist.segments.at(-1);
      const endMs = newest?.programTimeMs && newest.programTimeMs + newest.durationMs;
      return {
        name,
        kind: ChannelKind.PUSH,
        path: channelPath(name),
        cameraId: name,
        targetDurationMs: playlists[0]?.playlist.targetDurationMs ?? 0,
        newestSequence: BigInt(newest?.sequence ?? 0),
        newestEndUnixNano: BigInt(Math.round(endMs ?? lastPutMs)) * 1_000_000n,
        storedBytes: BigInt(storedBytes),
      };
    },
  };
}

function readPlaylist(path: string, body: Buffer): Playlist {
  try {
    return parsePlaylist(body.toString("utf8"));
  } catch (error) {
    if (!(error instanceof PlaylistError)) throw error;
    throw new RpcError("invalid_argument", `${path}: ${error.message}`, { cause: error });
  }
}

/** Paths of all that a playlist names. Throws RpcError for an address beyond the channel. */
function namesIn(text: string, path: string): string[] {
  return urisIn(text).map((uri) => {
    const name = withinChannel(uri, path);
    if (name !== undefined) return name;
    throw new RpcError(
      "invalid_argument",
      `${path}: got the address ${JSON.stringify(uri)}, expected names within the channel`,
    );
  });
}

function maxAgeOf(playlist: Playlist | undefined): number {
  if (!playlist) return BARE_NAME_MAX_AGE_S;
  return playlist.kind === "media"
    ? playlistMaxAgeS(playlist.targetDurationMs)
    : MULTIVARIANT_MAX_AGE_S;
}

/** A multivariant playlist over pushed media playlists; undefined before the first one. */
function indexOf(media: readonly { path: string; playlist: MediaPlaylist }[]): Found | undefined {
  if (media.length === 0) return undefined;
  const lines = media.map(({ path }) => ({
    uri: path === INDEX ? MEDIA_ALIAS : path,
    bandwidth: ASSUMED_BANDWIDTH,
  }));
  const body = Buffer.from(writeMultivariantPlaylist(lines));
  return { body, contentType: PLAYLIST_TYPE, maxAgeS: MULTIVARIANT_MAX_AGE_S };
}

/** BANDWIDTH is required; without a multivariant playlist nobody has told it. Bits a second. */
const ASSUMED_BANDWIDTH = 4_000_000;

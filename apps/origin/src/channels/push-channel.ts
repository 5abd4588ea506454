/** A channel that an encoder pushes: what it sent, kept as long as a playlist names it and a little longer. */
import type { MediaPlaylist, Playlist } from "@glassline/hls/playlist";
import { PlaylistError, parsePlaylist } from "@glassline/hls/playlist";
import { mapUris, urisIn } from "@glassline/hls/uris";
import { writeMultivariantPlaylist } from "@glassline/hls/write";
import { ChannelKind } from "@glassline/proto/origin";
import { RpcError } from "@glassline/proto/errors";

import { PUSHED_TYPES, pushedExtension, withinChannel } from "../core/push-path.ts";
import type { Channel, Found } from "./channel.ts";
import {
  IMMUTABLE,
  INDEX,
  MULTIVARIANT_FRESH,
  PLAYLIST_TYPE,
  channelPath,
  fresh,
  playlistFresh,
} from "./channel.ts";
import { PushedObjects } from "./pushed-objects.ts";

/** Of pushed media playlists; each is a variant. */
const PLAYLISTS_MAX = 64;
/**
 * The address of a media playlist that the encoder calls as we call our multivariant one; "~" is in no pushed name.
 */
const MEDIA_ALIAS = "~media.m3u8";
/** A segment by its name alone: an encoder that starts again may send another under the same one. */
const BARE_NAME_FRESH = fresh(1);

interface PushedPlaylist {
  text: string;
  playlist: Playlist;
  /** URIs as written -> what they named when the playlist came; undefined: nothing yet. */
  named: Map<string, { name: string; address: string | undefined }>;
}

export interface PushChannel extends Channel {
  /** Directives are left alone: an encoder's playlist is given as it is. */
  find(path: string, nowMs: number): Found | undefined;
  /** Stores an object. Throws RpcError: a name, playlist or size that is not accepted. */
  put(path: string, body: Buffer, nowMs: number): void;
  /** @returns whether there was such an object. */
  delete(path: string): boolean;
  /** When the encoder sent something, Unix milliseconds. */
  readonly lastPutMs: number;
  readonly storedBytes: number;
}

export function pushChannel(name: string, maxBytes: number): PushChannel {
  const playlists = new Map<string, PushedPlaylist>();
  const objects = new PushedObjects();
  let lastPutMs = 0;

  const storedBytes = () =>
    [...playlists.values()].reduce((sum, { text }) => sum + text.length, objects.bytes);
  const checkRoom = (more: number) => {
    if (storedBytes() + more > maxBytes)
      throw new RpcError(
        "resource_exhausted",
        `channel ${name} holds ${storedBytes()} bytes, expected at most ${maxBytes}: shorten the playlist's window or raise --push-memory`,
      );
  };
  const media = () =>
    [...playlists].flatMap(([path, { playlist }]) =>
      playlist.kind === "media" ? [{ path, playlist }] : [],
    );
  const addressesInUse = () =>
    new Set(
      [...playlists.values()].flatMap(({ named }) =>
        [...named.values()].map((each) => each.address ?? objects.addressOf(each.name)),
      ),
    );

  const putPlaylist = (path: string, body: Buffer) => {
    const text = body.toString("utf8");
    const playlist = readPlaylist(path, text);
    const named = new Map(
      namesIn(text, path).map(([uri, named]) => [
        uri,
        { name: named, address: objects.addressOf(named) },
      ]),
    );
    if (!playlists.has(path) && playlists.size >= PLAYLISTS_MAX)
      throw new RpcError(
        "resource_exhausted",
        `channel ${name}: got ${playlists.size} playlists already, expected at most ${PLAYLISTS_MAX}`,
      );
    checkRoom(text.length);
    playlists.set(path, { text, playlist, named });
  };

  /** A media playlist names its objects together with their content, so that caches never mix them up. */
  const give = ({ text, playlist, named }: PushedPlaylist, path: string): Found => {
    if (playlist.kind === "multivariant") return playlistFound(text, MULTIVARIANT_FRESH);
    const up = "../".repeat(path.split("/").length - 1);
    const written = mapUris(text, (uri) => {
      const { name: object, address } = named.get(uri)!;
      const known = address ?? objects.addressOf(object);
      return known ? `${up}${known}` : uri;
    });
    return playlistFound(written, playlistFresh(playlist.targetDurationMs));
  };

  return {
    name,
    get lastPutMs() {
      return lastPutMs;
    },
    get storedBytes() {
      return storedBytes();
    },
    find(path) {
      const index = playlists.get(INDEX);
      if (path === INDEX && index?.playlist.kind !== "multivariant") return indexOf(media());
      if (path === MEDIA_ALIAS) return index && give(index, INDEX);
      const playlist = playlists.get(path);
      if (playlist) return give(playlist, path);
      const addressed = objects.at(path);
      if (addressed) return found(addressed.body, path, IMMUTABLE);
      const newest = objects.newest(path);
      return newest && found(newest.body, path, BARE_NAME_FRESH);
    },
    put(path, body, nowMs) {
      const extension = pushedExtension(path);
      if (!extension)
        throw new RpcError(
          "invalid_argument",
          `name: got ${JSON.stringify(path)}, expected letters, digits, "-", "_" and "." ending in ${Object.keys(PUSHED_TYPES).join(", ")}`,
        );
      objects.forget(addressesInUse(), nowMs);
      if (extension === "m3u8") putPlaylist(path, body);
      else {
        checkRoom(objects.cost(path, body));
        objects.put(path, body, nowMs);
      }
      lastPutMs = nowMs;
    },
    delete: (path) => playlists.delete(path) || objects.delete(path),
    status() {
      const [first] = media();
      const newest = first?.playlist.segments.at(-1);
      const endMs = newest?.programTimeMs && newest.programTimeMs + newest.durationMs;
      return {
        name,
        kind: ChannelKind.PUSH,
        path: channelPath(name),
        cameraId: name,
        targetDurationMs: first?.playlist.targetDurationMs ?? 0,
        newestSequence: BigInt(newest?.sequence ?? 0),
        newestEndUnixNano: BigInt(Math.round(endMs ?? lastPutMs)) * 1_000_000n,
        storedBytes: BigInt(storedBytes()),
        partTargetDurationMs: first?.playlist.lowLatency?.partTargetMs ?? 0,
        renditions: media().length,
      };
    },
  };
}

function readPlaylist(path: string, text: string): Playlist {
  const refuse = (reason: string, cause?: unknown) =>
    new RpcError("invalid_argument", `${path}: ${reason}`, { cause });
  // Line ends that only some readers know would hide addresses from us.
  const strange = /[^\P{C}\t\r\n]|\r(?!\n)|[\u2028\u2029]/u.exec(text);
  if (strange)
    throw refuse(
      `got the character ${JSON.stringify(strange[0])}, expected a text with LF or CRLF`,
    );
  try {
    return parsePlaylist(text);
  } catch (error) {
    if (!(error instanceof PlaylistError)) throw error;
    throw refuse(error.message, error);
  }
}

/** All that a playlist names: URI and path within the channel. Throws RpcError for an address beyond it. */
function namesIn(text: string, path: string): [uri: string, name: string][] {
  return urisIn(text).map((uri) => {
    const name = withinChannel(uri, path);
    if (name !== undefined) return [uri, name];
    throw new RpcError(
      "invalid_argument",
      `${path}: got the address ${JSON.stringify(uri)}, expected names within the channel`,
    );
  });
}

function found(body: Buffer, path: string, cacheControl: string): Found {
  const contentType = PUSHED_TYPES[pushedExtension(path.split("/").at(-1)!)!]!;
  return { body, contentType, cacheControl };
}

function playlistFound(text: string, cacheControl: string): Found {
  return { body: Buffer.from(text), contentType: PLAYLIST_TYPE, cacheControl };
}

/** A multivariant playlist over pushed media playlists; undefined before the first one. */
function indexOf(media: readonly { path: string; playlist: MediaPlaylist }[]): Found | undefined {
  if (media.length === 0) return undefined;
  const variants = media.map(({ path }) => ({
    uri: path === INDEX ? MEDIA_ALIAS : path,
    bandwidth: ASSUMED_BANDWIDTH,
  }));
  return playlistFound(writeMultivariantPlaylist(variants), MULTIVARIANT_FRESH);
}

/** BANDWIDTH is required; without a multivariant playlist nobody has told it. Bits a second. */
const ASSUMED_BANDWIDTH = 4_000_000;

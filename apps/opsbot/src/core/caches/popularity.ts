/**
 * What is popular, by what was asked for: newer requests count more, and numbered segments count for their playlist, because those of a live
 * channel are gone when they would be fetched. Pure.
 */
import type { AccessRecord } from "./access-line.ts";
import type { Entry } from "./frequent.ts";
import { Frequent } from "./frequent.ts";

/** Why a request does not count. */
export type Uncounted =
  | "address"
  | "future"
  | "method"
  | "not_viewers"
  | "old"
  | "query"
  | "status";

export interface Popular {
  path: string;
  /** Requests; one that is a half-life old counts half. */
  score: number;
}

export interface PopularityOptions {
  nowMs: number;
  halfLifeMs?: number;
  /** Paths that are counted at a time. */
  pathsMax?: number;
}

const HALF_LIFE_MS = 6 * 3_600_000;
/** What is older counts less than a millionth. */
const HALF_LIVES_MAX = 20;
/** Clocks of machines differ. */
const AHEAD_MAX_MS = 300_000;
const PATHS_MAX = 20_000;
const PATH_MAX_CHARS = 1_024;
/** A segment's playlist lies in its folder, or so many above it. */
const FOLDERS_UP = 2;
/** What looks whether edges are well, and loads that test them, are no viewers. */
const NOT_VIEWERS = /^glassline-(?:probe|load)/;
const OWN_PATHS = /^\/(?:steering|\.glassline)\//;
const GONE: ReadonlySet<number> = new Set([404, 410]);
const SERVED: ReadonlySet<number> = new Set([200, 206, 304]);

export class Popularity {
  readonly #nowMs: number;
  readonly #halfLifeMs: number;
  readonly #paths: Frequent;
  /** Segments that have a number, together. */
  readonly #folders: Frequent;
  /** When a path was last found to be gone. */
  readonly #gone: Frequent;

  constructor({ nowMs, halfLifeMs = HALF_LIFE_MS, pathsMax = PATHS_MAX }: PopularityOptions) {
    this.#nowMs = nowMs;
    this.#halfLifeMs = halfLifeMs;
    this.#paths = new Frequent(pathsMax);
    this.#folders = new Frequent(pathsMax);
    this.#gone = new Frequent(pathsMax);
  }

  /** @returns why it does not count. */
  add(record: AccessRecord): Uncounted | undefined {
    const path = this.#pathOf(record);
    if (!path.startsWith("/")) return path as Uncounted;
    const { timeMs, status } = record;
    const ageMs = this.#nowMs - timeMs;
    if (ageMs < -AHEAD_MAX_MS) return "future";
    if (ageMs > HALF_LIVES_MAX * this.#halfLifeMs) return "old";
    const weight = 0.5 ** (Math.max(0, ageMs) / this.#halfLifeMs);
    if (GONE.has(status)) this.#gone.add(path, weight, timeMs);
    if (!SERVED.has(status)) return "status";
    this.#paths.add(path, weight, timeMs);
    if (isNumbered(path)) this.#folders.add(folderOf(path), weight, timeMs);
    return undefined;
  }

  /** The most popular first; at equal scores by name. */
  top(count: number): readonly Popular[] {
    const scores = new Map<string, number>();
    const playlists = this.#playlistsByFolder();
    for (const [path, entry] of this.#paths.entries) {
      if (this.#isGone(path, entry) || (isNumbered(path) && playlistAbove(path, playlists)))
        continue;
      scores.set(path, entry.weight);
    }
    for (const [folder, { weight }] of this.#folders.entries) {
      const playlist = playlistAbove(folder, playlists);
      const score = playlist === undefined ? undefined : scores.get(playlist);
      if (score !== undefined) scores.set(playlist!, score + weight);
    }
    return [...scores]
      .map(([path, score]) => ({ path, score }))
      .toSorted((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1))
      .slice(0, count);
  }

  #isGone(path: string, { lastMs }: Entry): boolean {
    const gone = this.#gone.entries.get(path);
    return gone !== undefined && gone.lastMs >= lastMs;
  }

  /** The most popular one of each folder, also of those that are gone: their segments are too. */
  #playlistsByFolder(): ReadonlyMap<string, string> {
    const playlists = new Map<string, string>();
    const byWeight = [...this.#paths.entries].toSorted(([, a], [, b]) => a.weight - b.weight);
    for (const [path] of byWeight) if (path.endsWith(".m3u8")) playlists.set(folderOf(path), path);
    return playlists;
  }

  /** Or why it does not count. */
  #pathOf({ method, target, userAgent, result }: AccessRecord): string {
    if (method !== "GET" && method !== "HEAD") return "method";
    const [path = "", query] = target.split("?", 2);
    if (!isPath(path)) return "address";
    if (OWN_PATHS.test(path) || NOT_VIEWERS.test(userAgent ?? "")) return "not_viewers";
    if (result === "own" || result === "refused") return "not_viewers";
    // Of HLS only what its own parameters ask for differs; of all else, what anybody makes up.
    return query && !isHls(path) ? "query" : path;
  }
}

/** As edges take them: no other spelling of a folder, and nothing that is no address. */
function isPath(path: string): boolean {
  return (
    path.length <= PATH_MAX_CHARS &&
    /^\/[!-~]*$/.test(path) &&
    !/[\\"<>]|%(?![0-9A-Fa-f]{2})|%(?:2[fF]|5[cC]|00)|\/\/|\/\.{1,2}(?:\/|$)/.test(path)
  );
}

const isHls = (path: string) => /\.(?:m3u8|m4s|mp4|m4a|m4v|ts|aac|vtt)$/.test(path);

/** "12.m4s", "seg-00012.3.ts", "init.mp4": one of many that a playlist names. */
const isNumbered = (path: string) =>
  /\/(?:[^/]*\d[^/]*|init)\.(?:m4s|mp4|m4a|m4v|ts|aac|vtt)$/.test(path);

/** With its slash. */
const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);

function playlistAbove(path: string, playlists: ReadonlyMap<string, string>): string | undefined {
  let folder = folderOf(path);
  for (let up = 0; up <= FOLDERS_UP; up++) {
    const playlist = playlists.get(folder);
    if (playlist !== undefined || folder === "/") return playlist;
    folder = folderOf(folder.slice(0, -1));
  }
  return undefined;
}

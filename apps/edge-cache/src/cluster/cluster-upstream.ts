/** Asks the edge that fetches an object for the whole cluster; the origin, where that is this one, or nobody else can. */
import { kindOf } from "../core/address.ts";
import type { PurgeLog } from "../core/purge-log.ts";
import { loadBound, ranked } from "../core/rendezvous.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../upstream/upstream.ts";
import { UpstreamError } from "../upstream/upstream.ts";
import type { Member } from "./member.ts";
import { WAY_FIELD } from "./messages.ts";

/** So long after its start an edge asks who stood in for it, before it asks the origin. */
const WARM_MS = 60_000;

export interface ClusterUpstreamDeps {
  origin: Upstream;
  /** Of this edge: hashOf its name. */
  seed: number;
  members: readonly Member[];
  log: PurgeLog;
  /** Milliseconds, monotonic. */
  nowMs: () => number;
  counted: (member: string, result: "answered" | "failed" | "held") => void;
}

export class ClusterUpstream implements Upstream {
  readonly #deps: ClusterUpstreamDeps;
  readonly #warmUntilMs: number;

  constructor(deps: ClusterUpstreamDeps) {
    this.#deps = deps;
    this.#warmUntilMs = deps.nowMs() + WARM_MS;
  }

  /** This edge is the one that asks the origin. */
  asksOrigin(target: string): boolean {
    return this.#way(target).length === 0;
  }

  async open(asked: UpstreamRequest): Promise<UpstreamResponse> {
    const { origin, counted } = this.#deps;
    const request = asked.isFromMember ? asked : withoutWay(asked);
    const { method, target, fields, signal, isFromMember } = request;
    if (method !== "GET" || fields.has("authorization")) return origin.open(request);
    if (!isFromMember)
      for (const member of this.#way(target)) {
        try {
          const answer = await member.ask(request);
          counted(member.name, "answered");
          return answer;
        } catch (error) {
          if (signal.aborted || !(error instanceof UpstreamError)) throw error;
          counted(member.name, "failed");
          if (error.reason === "unreachable" || error.reason === "untrusted") member.lost();
        }
      }
    return (await this.#held(request)) ?? origin.open(request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deps.origin[Symbol.asyncDispose]();
  }

  /** Those that are to be asked before the origin, in order: of all who may fetch it, those who come before this edge. */
  #way(target: string): Member[] {
    const { seed, log } = this.#deps;
    const usable = this.#deps.members.filter((member) => member.isUsable(log.end));
    if (usable.length === 0) return usable;
    const open = usable.reduce((sum, member) => sum + member.open, 0);
    const bound = loadBound(open, usable.length + 1);
    const all = ranked(target, [...usable, { seed, open: 0 }]);
    const before = all.slice(
      0,
      all.findIndex((edge) => !("name" in edge)),
    ) as Member[];
    const free = before.filter((member) => member.open < bound);
    return free.length > 0 ? free : before;
  }

  /** Who stood in for this edge while it was away may have the object. Playlists have changed since. */
  async #held(request: UpstreamRequest): Promise<UpstreamResponse | undefined> {
    const { nowMs, members, log, counted } = this.#deps;
    const isRenewal = ["if-none-match", "if-modified-since"].some((name) =>
      request.fields.has(name),
    );
    const isPlaylist = kindOf(pathOf(request.target)) === "playlist";
    if (nowMs() > this.#warmUntilMs || isRenewal || isPlaylist) return undefined;
    const usable = members.filter((member) => member.isUsable(log.end));
    const [next] = ranked(request.target, usable);
    const held = await next?.held(request);
    if (held && next) counted(next.name, "held");
    return held;
  }
}

/** Viewers could stop all who want the same object by it. */
function withoutWay(request: UpstreamRequest): UpstreamRequest {
  const { fields } = request;
  return fields.has(WAY_FIELD)
    ? { ...request, fields: fields.without(new Set([WAY_FIELD])) }
    : request;
}

const pathOf = (target: string) => target.split("?", 1)[0]!;

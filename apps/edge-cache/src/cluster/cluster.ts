/** The edges that fetch from the origin together: each object by one of them; purges reach all, and the shield that they fetch from. */
import { randomUUID } from "node:crypto";

import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";

import type { Cache } from "../cache.ts";
import type { NamedPurge, Position } from "../core/purge-log.ts";
import { PurgeLog } from "../core/purge-log.ts";
import type { Purge } from "../core/purges.ts";
import { hashOf } from "../core/rendezvous.ts";
import type { Purged } from "../stores/store.ts";
import { QuestionQueue } from "../upstream/question-queue.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { ClusterUpstream } from "./cluster-upstream.ts";
import { edgeUpstream } from "./edge-upstream.ts";
import { Member } from "./member.ts";
import type { Positions } from "./positions.ts";
import { MemberClient, STATE_TIMEOUT_MS } from "./member-client.ts";
import type { EdgeState, ToldPurges } from "./messages.ts";
import { ShieldUpstream } from "./shield-upstream.ts";

const ASK_INTERVAL_MS = 200;
const OWN_LATENESS_MS = 50;
/** So long a start waits for the others. */
const FIRST_LOOK_MS = 1_000;
/** By how much clocks of edges may differ. */
const SKEW_MS = 60_000;
/** To one member at a time; four times as many more may be held. */
const QUESTIONS = 64;
/** Of as many the names are remembered. */
const NAMES_MAX = 20_000;

const unnamed = (purge: Purge): NamedPurge => ({ id: "", purge });

export interface ClusterConfig {
  name: string;
  members: readonly { name: string; url: string }[];
  /** The edge that is asked instead of the origin. */
  shield?: { name: string; url: string } | undefined;
  /** Names of edges that fetch from this one. */
  shielded?: readonly string[];
}

export interface ClusterDeps {
  identity: Identity;
  clock: Clock;
  logger: Logger;
  /** Undefined: nothing that is stored outlives this process. */
  positions: Positions | undefined;
  counted: (member: string, result: "answered" | "failed" | "held") => void;
}

export interface ClusterPurged extends Purged {
  /** Members that could not be told; they are, when they are back. */
  pending: string[];
}

export class Cluster implements AsyncDisposable {
  readonly members: readonly Member[];
  /** Names of edges that may ask this one. */
  readonly askers: ReadonlySet<string>;
  readonly upstream: ClusterUpstream;
  readonly #name: string;
  readonly #shield: Member | undefined;
  /** How far the purges of those were read that this edge shields: they tell them. */
  readonly #shielded: Map<string, Position | undefined>;
  readonly #log = new PurgeLog(randomUUID());
  readonly #deps: ClusterDeps;
  readonly #clients: ReadonlyMap<Member, MemberClient>;
  readonly #startedMs: number;
  readonly #stop = new AbortController();
  /** Names of purges that are done, the oldest first. */
  readonly #done = new Set<string>();
  #cache: Cache | undefined;

  /** @param origin the shield, where there is one. */
  constructor(config: ClusterConfig, origin: Upstream, deps: ClusterDeps) {
    const { name, members, shield, shielded = [] } = config;
    const { clock, identity, counted } = deps;
    this.#name = name;
    this.#deps = deps;
    this.#startedMs = clock.nowMs();
    this.members = members.map((member) => {
      const upstream = edgeUpstream(member, identity, new QuestionQueue(QUESTIONS));
      return new Member(member.name, member.url, upstream);
    });
    this.#shield = shield && new Member(shield.name, shield.url, origin);
    this.#shielded = new Map(shielded.map((each) => [each, undefined]));
    this.askers = new Set([...members.map((member) => member.name), ...shielded]);
    this.#clients = new Map(
      this.#others.map((other) => [other, new MemberClient(other, identity)]),
    );
    this.upstream = new ClusterUpstream({
      origin: this.#shield ? this.#shieldUpstream(this.#shield) : origin,
      seed: hashOf(name),
      members: this.members,
      log: this.#log,
      nowMs: () => clock.monotonicMs(),
      counted,
    });
  }

  /** @param cache that purges of other edges are done in. */
  async start(cache: Cache): Promise<void> {
    this.#cache = cache;
    const { clock, positions } = this.#deps;
    const read = await positions?.load();
    for (const other of this.#others) other.read = read?.get(other.name);
    for (const name of this.#shielded.keys()) this.#shielded.set(name, read?.get(name));
    const looks = this.#others.map((other) => this.#look(other));
    // What is on disk may have been purged while this edge was away.
    if (positions) await Promise.race([Promise.all(looks), clock.sleep(FIRST_LOOK_MS)]);
    for (const other of this.#others)
      void every(clock, ASK_INTERVAL_MS, this.#stop.signal, () => this.#lookUntilKnown(other));
  }

  state(): EdgeState {
    const all = [...this.#others.map(({ name, read }) => [name, read]), ...this.#shielded];
    const read = all.filter(([, position]) => position !== undefined);
    return { edge: this.#name, log: this.#log.end, read: Object.fromEntries(read) };
  }

  /** Our purges behind a position. @param sinceMs Unix milliseconds: see PurgeLog.after. */
  purgesAfter(position: string | undefined, sinceMs: number): ToldPurges {
    const purges = this.#log.after(position, sinceMs);
    return { edge: this.#name, log: this.#log.end, purges };
  }

  /** Here, and on all members that can be reached. */
  async purge(purge: Purge): Promise<ClusterPurged> {
    const hit = await this.#do({ id: randomUUID(), purge });
    const pending = new Set([...(await this.#tellAll()), ...(await this.#again([purge]))]);
    return { ...hit, pending: [...pending] };
  }

  /** While they were told, some may have asked others that were not told yet. @returns names of those that could not be told. */
  async #again(purges: readonly Purge[]): Promise<string[]> {
    if (this.members.length < 2 && !this.#shield) return [];
    const all = purges.map(unnamed);
    for (const purge of all) await this.#do(purge);
    return this.#tellAll(all);
  }

  async purgeHere(purge: Purge): Promise<ClusterPurged> {
    return { ...(await this.#do(unnamed(purge))), pending: [] };
  }

  /** What a request of an unsafe method may have changed. A member that is away finds out when its copy is not fresh any more. */
  async invalidate(keys: Iterable<string>): Promise<void> {
    const purges = [...keys].map((key): Purge => ({ target: { key }, isSoft: false }));
    for (const purge of purges) await this.#do(unnamed(purge));
    await this.#tellAll(purges.map(unnamed));
    await this.#again(purges);
  }

  /** Purges that another edge tells of. */
  async takePurges({ edge, log, purges }: ToldPurges): Promise<EdgeState> {
    for (const purge of purges) await this.#do(purge);
    const other = this.#others.find(({ name }) => name === edge);
    if (!other && !this.#shielded.has(edge)) return this.state();
    const { read } = this.state();
    if (read[edge] !== log) await this.#keep({ ...read, [edge]: log });
    if (other) other.read = log;
    else this.#shielded.set(edge, log);
    return this.state();
  }

  /** Older ones on disk mean only that purges are read again. */
  async #keep(read: EdgeState["read"]): Promise<void> {
    try {
      await this.#deps.positions?.save(read);
    } catch (error) {
      const reason = messageOf(error);
      this.#deps.logger.warn({ reason }, "how far purges were read could not be kept");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const client of this.#clients.values()) await client[Symbol.asyncDispose]();
    for (const member of this.members) await member[Symbol.asyncDispose]();
  }

  /** Those whose purges are read here: members, and the shield. */
  get #others(): readonly Member[] {
    return this.#shield ? [...this.members, this.#shield] : this.members;
  }

  #shieldUpstream(shield: Member): ShieldUpstream {
    const isTold = () => shield.knows === this.#log.end;
    return new ShieldUpstream({ name: this.#name, shield, isTold, tell: () => this.#tell(shield) });
  }

  /** Once, where it has a name; then others hear of it from here, too: also those that the one who began it does not reach. */
  async #do(named: NamedPurge): Promise<Purged> {
    const nothing = { objects: 0, bytes: 0 };
    if (this.#done.has(named.id)) return nothing;
    if (named.id !== "") {
      this.#done.add(named.id);
      for (const oldest of this.#done) {
        if (this.#done.size <= NAMES_MAX) break;
        this.#done.delete(oldest);
      }
      this.#log.add(named, this.#deps.clock.nowMs());
    }
    return (await this.#cache?.purge(named.purge)) ?? nothing;
  }

  /** @param again what they know already. @returns names of those that could not be told. */
  async #tellAll(again: readonly NamedPurge[] = []): Promise<string[]> {
    const told = await Promise.all(
      this.#others.map(async (member) => {
        if (!member.isReachable) return [member.name];
        try {
          await this.#tell(member, again);
          return [];
        } catch {
          return [member.name];
        }
      }),
    );
    return told.flat();
  }

  /** Rejects when it does not answer. */
  async #tell(member: Member, again: readonly NamedPurge[] = []): Promise<void> {
    const { log, purges } = this.purgesAfter(member.knows, this.#startedMs);
    const message = { edge: this.#name, log, purges: [...purges, ...again] };
    member.told(await this.#clients.get(member)!.tell(message), this.#name);
  }

  /** One that is late is asked again at once: those who wait for it do not wait for a second. */
  async #lookUntilKnown(member: Member): Promise<void> {
    while ((await this.#look(member)) === "late" && member.isReachable);
  }

  /** "late": it may be a busy machine, or this one. */
  async #look(member: Member): Promise<"known" | "late"> {
    const client = this.#clients.get(member)!;
    const { clock } = this.#deps;
    const wasReachable = member.isReachable;
    const askedMs = clock.monotonicMs();
    try {
      const state = await client.state();
      if (state.log !== member.read) await this.#read(member, client);
      member.told(state, this.#name);
      // A shield does not look at those that it shields.
      if (member === this.#shield && member.knows !== this.#log.end) await this.#tell(member);
    } catch (error) {
      if (this.#stop.signal.aborted) return "known";
      const isLate = error instanceof Error && error.name === "TimeoutError";
      // Where this edge itself had no time to look, nothing is known of the other one.
      if (isLate && clock.monotonicMs() - askedMs > STATE_TIMEOUT_MS + OWN_LATENESS_MS)
        return "late";
      if (isLate) member.late();
      else member.lost();
      if (wasReachable && !member.isReachable)
        this.#deps.logger.warn(
          { member: member.name, reason: messageOf(error) },
          "a member of the cluster is away",
        );
      return isLate ? "late" : "known";
    }
    if (!wasReachable) this.#deps.logger.info({ member: member.name }, "a member is there");
    return "known";
  }

  /** Reads what it has purged, before it is asked for objects. */
  async #read(member: Member, client: MemberClient): Promise<void> {
    // What was stored since the start cannot have been purged before; what is older may have been while this edge was away.
    const sinceMs = this.#deps.positions ? 0 : this.#startedMs - SKEW_MS;
    const told = await client.purgesAfter(member.read, sinceMs);
    await this.takePurges(told);
  }
}

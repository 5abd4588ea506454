/** The segments under the agent's care: one pass after another brings them to what they shall be. */
import { create, equals } from "@bufbuild/protobuf";
import type { Segment } from "@glassline/proto/node";
import { SegmentPhase, SegmentSchema } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { SegmentWish } from "./core/segment-wish.ts";
import { bridgeName, wishOf } from "./core/segment-wish.ts";
import type {
  ForeignTunnel,
  Pass,
  SegmentDriver,
  SegmentReport,
} from "./drivers/segment-driver.ts";

/** How soon what somebody changed by hand is mended. */
const LOOK_INTERVAL_MS = 1_000;
/** How soon the tunnels of others are seen on a machine that has no segments. */
const FOREIGN_INTERVAL_MS = 10_000;

/** As in the agent's status. */
interface State {
  segment: Segment;
  phase: SegmentPhase;
  problem: string;
  mtu: number;
  interface: string;
  peersOnly: boolean;
  encrypted: boolean;
}

export interface SegmentsDeps {
  driver: SegmentDriver;
  clock: Clock;
  logger: Logger;
  /** Whether this agent may have made segments that are still there. */
  hasMade: () => boolean;
  /** To be called after a pass that brought news. */
  changed: () => void;
}

export class Segments {
  readonly #deps: SegmentsDeps;
  readonly #stop = new AbortController();
  readonly #states = new Map<string, State & { sinceUnixNano: bigint }>();
  #wanted: readonly Segment[] = [];
  #wishes: readonly SegmentWish[] = [];
  #inUse: ReadonlySet<string> = new Set();
  /** The machine has no segments: nobody needs to look. */
  #isClean = false;
  #isDue = false;
  #passes: Promise<void> | undefined;
  #failure = "";
  #foreignTunnels: readonly ForeignTunnel[] = [];
  #foreignDueMs = 0;

  constructor(deps: SegmentsDeps) {
    this.#deps = deps;
  }

  /** Looks again and again; to be called when it is known what is wanted. */
  start(): void {
    void every(this.#deps.clock, LOOK_INTERVAL_MS, this.#stop.signal, () => this.#pass());
  }

  /** @param inUse names of segments that edges use. */
  want(wanted: readonly Segment[], inUse: ReadonlySet<string>): void {
    const isSame = wanted === this.#wanted && inUse.symmetricDifference(this.#inUse).size === 0;
    this.#wanted = wanted;
    this.#inUse = inUse;
    if (isSame) return;
    this.#wishes = wanted.map(wishOf);
    for (const segment of wanted) if (!this.#states.has(segment.name)) this.#note(unmade(segment));
    const names = new Set(wanted.map(({ name }) => name));
    for (const [name, state] of this.#states)
      if (!names.has(name)) this.#note({ ...state, phase: SegmentPhase.STOPPING });
    void this.#pass();
  }

  /** As it is wished now. */
  isUp(name: string): boolean {
    const state = this.#states.get(name);
    const wanted = this.#wanted.find((segment) => segment.name === name);
    return (
      state?.phase === SegmentPhase.UP &&
      wanted !== undefined &&
      equals(SegmentSchema, state.segment, wanted)
    );
  }

  states(): State[] {
    return [...this.#states.values()];
  }

  /** VXLAN interfaces of others on the machine. */
  foreignTunnels(): readonly ForeignTunnel[] {
    return this.#foreignTunnels;
  }

  /** @param remove false: they stay without the agent. Rejects when they cannot be removed. */
  async close(remove: boolean): Promise<void> {
    this.#stop.abort();
    await this.#passes;
    if (remove && this.#isNeeded()) await this.#deps.driver.apply([], new Set());
  }

  #isNeeded(): boolean {
    return this.#wanted.length > 0 || (!this.#isClean && this.#deps.hasMade());
  }

  /** Passes do not overlap; what is asked for during one is done by the next. */
  #pass(): Promise<void> {
    this.#isDue = true;
    this.#passes ??= this.#run().finally(() => (this.#passes = undefined));
    return this.#passes;
  }

  async #run(): Promise<void> {
    while (this.#isDue && !this.#stop.signal.aborted) {
      this.#isDue = false;
      if (!this.#isNeeded()) {
        await this.#lookAround();
        continue;
      }
      const wanted = this.#wanted;
      try {
        const pass = await this.#deps.driver.apply(this.#wishes, this.#inUse);
        this.#failure = "";
        this.#take(wanted, pass);
      } catch (error) {
        this.#fail(wanted, messageOf(error));
      }
      this.#deps.changed();
    }
  }

  /** Where nothing is to be done. */
  async #lookAround(): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs < this.#foreignDueMs) return;
    this.#foreignDueMs = nowMs + FOREIGN_INTERVAL_MS;
    try {
      this.#foreignTunnels = await this.#deps.driver.foreignTunnels();
      this.#failure = "";
    } catch (error) {
      this.#fail([], messageOf(error));
    }
  }

  #take(wanted: readonly Segment[], pass: Pass): void {
    const { segments, leftovers, changes } = pass;
    this.#foreignTunnels = pass.foreignTunnels;
    this.#isClean = wanted.length === 0 && leftovers.length === 0;
    const reports = new Map(segments.map((report) => [report.name, report]));
    for (const segment of wanted) this.#note(stateOf(segment, reports.get(segment.name)!));
    const left = new Set(leftovers.map(({ name }) => name));
    for (const { name, problem } of leftovers) {
      const state = this.#states.get(name) ?? unmade(create(SegmentSchema, { name }));
      this.#note({ ...state, phase: SegmentPhase.STOPPING, problem });
    }
    for (const name of this.#states.keys())
      if (!reports.has(name) && !left.has(name)) this.#states.delete(name);
    if (changes > 0)
      this.#deps.logger.info({ segments: segments.length, changes }, "segments changed");
  }

  /** The machine could not be looked at: nothing is known, and what is there goes on. */
  #fail(wanted: readonly Segment[], problem: string): void {
    if (problem !== this.#failure)
      this.#deps.logger.error({ problem }, "cannot look after the segments");
    this.#failure = problem;
    for (const segment of wanted)
      this.#note({ ...unmade(segment), phase: SegmentPhase.FAILED, problem });
  }

  #note(state: State): void {
    const { segment, phase, problem } = state;
    const before = this.#states.get(segment.name);
    if (problem !== "" && problem !== before?.problem)
      this.#deps.logger.warn({ segment: segment.name, problem }, "segment has a problem");
    const sinceUnixNano =
      before?.phase === phase ? before.sinceUnixNano : this.#deps.clock.nowUnixNano();
    this.#states.set(segment.name, { ...state, sinceUnixNano });
  }
}

function unmade(segment: Segment): State {
  const phase = SegmentPhase.STARTING;
  return { segment, phase, problem: "", mtu: 0, interface: "", peersOnly: false, encrypted: false };
}

function stateOf(segment: Segment, report: SegmentReport): State {
  const { isUp, problem, mtu, isPeersOnly } = report;
  return {
    segment,
    phase: isUp ? SegmentPhase.UP : SegmentPhase.FAILED,
    problem,
    mtu,
    interface: bridgeName(segment.vni),
    peersOnly: isPeersOnly,
    encrypted: isUp && segment.encrypted,
  };
}

/** Keeps the edges and segments of its machines as they shall be, whoever asks or does not ask. */
import { equals } from "@bufbuild/protobuf";
import type { EdgeSpec, SetDesiredStateRequest } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { RpcError } from "@glassline/proto/errors";
import type { Backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { checkDesired } from "./core/desired.ts";
import { Restarts } from "./core/restarts.ts";
import { heldBy } from "./core/roll.ts";
import type { Drivers } from "./drivers/drivers.ts";
import type { EdgeFiles } from "./drivers/edge-files.ts";
import type { SegmentDriver } from "./drivers/segment-driver.ts";
import { Edge } from "./edge.ts";
import { Segments } from "./segments.ts";
import type { StartedEdge, StateStore } from "./stores/state-store.ts";

const INTERVAL_MS = 250;

export interface AgentOptions {
  machines: readonly string[];
  drivers: Drivers;
  segmentDriver: SegmentDriver;
  store: StateStore;
  clock: Clock;
  logger: Logger;
  newBackoff: () => Backoff;
  /** What an edge takes for its viewers when it is told to stop. */
  drainMs: number;
  files: Pick<EdgeFiles, "lacks" | "writeTokenKeys" | "remove">;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #edges = new Map<string, Edge>();
  readonly #segments: Segments;
  readonly #stop = new AbortController();
  #desired: SetDesiredStateRequest;
  /** What runs is known. */
  #isStarted = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#desired = options.store.desired();
    this.#segments = new Segments({
      ...options,
      driver: options.segmentDriver,
      hasMade: () => options.store.segmentMark() !== undefined,
      changed: () => this.#reconcile(),
    });
  }

  get fencingToken(): bigint {
    return this.#desired.fencingToken;
  }

  states() {
    return [...this.#edges.values()].map((edge) => edge.state());
  }

  segmentStates() {
    return this.#segments.states();
  }

  /** VXLAN interfaces on its machines that somebody else made. */
  foreignTunnels() {
    return this.#segments.foreignTunnels();
  }

  /** Adopts what runs, and goes on towards what was wished the last time. */
  async start(): Promise<void> {
    const { drivers, store } = this.#options;
    await drivers.probe();
    const adopt = (started: StartedEdge) => this.#edge(started.spec.name).adopt(started);
    await Promise.all(store.started().map(adopt));
    await drivers.sweep((name) => this.#edges.has(name));
    this.#isStarted = true;
    this.#reconcile();
    this.#segments.start();
    void every(this.#options.clock, INTERVAL_MS, this.#stop.signal, () => {
      void drivers.probe();
      void drivers.sweep((name) => this.#edges.has(name));
      this.#reconcile();
    });
  }

  /** Stores the wish, and begins to fulfil it. Throws RpcError. @returns whether it is another one. */
  setDesired(request: SetDesiredStateRequest): boolean {
    if (request.fencingToken < this.fencingToken)
      throw new RpcError(
        "failed_precondition",
        `fencing_token: got ${request.fencingToken}, expected at least ${this.fencingToken}: another OpsBot has taken over`,
      );
    checkDesired(request, this.#options.machines);
    const { refusal } = this.#options.segmentDriver;
    if (refusal !== undefined && request.segments.length > 0)
      throw new RpcError(
        "failed_precondition",
        `segments: got ${request.segments.length}, expected none: ${refusal}`,
      );
    const before = { ...this.#desired, fencingToken: request.fencingToken };
    const changed = !equals(SetDesiredStateRequestSchema, before, request);
    if (changed || request.fencingToken > this.fencingToken)
      this.#options.store.setDesired(request);
    this.#desired = request;
    this.#reconcile();
    return changed;
  }

  /** The last lines of an edge's log, oldest first. Rejects with RpcError for an edge that the agent does not have. */
  async logs(name: string, maxLines: number): Promise<string[]> {
    const edge = this.#edges.get(name);
    if (edge)
      return edge.lastLines(maxLines).catch((error: unknown) => {
        throw new RpcError("unavailable", messageOf(error));
      });
    const names = [...this.#edges.keys()].join(", ") || "none, as no edge is wished";
    throw new RpcError("not_found", `name: got ${JSON.stringify(name)}, expected ${names}`);
  }

  /** @param isLast false: edges and segments go on without the agent. */
  async close(isLast: boolean): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#edges.values()].map((edge) => edge.settled()));
    if (isLast) await Promise.all([...this.#edges.values()].map((edge) => edge.stop()));
    await this.#segments.close(isLast);
  }

  #edge(name: string): Edge {
    const known = this.#edges.get(name);
    if (known) return known;
    const changed = () => this.#reconcile();
    const edge = new Edge(name, {
      ...this.#options,
      restarts: new Restarts(this.#options.newBackoff()),
      lacks: (spec, isServing) => this.#lacks(spec, isServing),
      writeTokenKeys: (spec) => this.#options.files.writeTokenKeys(spec),
      changed,
      stop: this.#stop.signal,
    });
    this.#edges.set(name, edge);
    return edge;
  }

  #lacks(spec: EdgeSpec, isServing: boolean): string {
    const { segment, name } = spec;
    if (segment !== "" && !this.#segments.isUp(segment)) return `segment ${segment}`;
    const missing = this.#options.drivers.lacks(spec) || this.#options.files.lacks(spec);
    if (missing !== "" || !isServing) return missing;
    const others = this.#desired.edges.filter((other) => other.name !== name);
    const states = others.map(({ name: other, channel }) => {
      const edge = this.#edges.get(other);
      const { isReady = false, unreadySinceUnixNano = 0n } = edge ?? {};
      return { name: other, channel, isReady, unreadySinceUnixNano };
    });
    return heldBy(spec.channel, states, this.#options.clock.nowUnixNano());
  }

  /** Each edge goes its own way: one that takes long to stop holds up no other, but for the roll of its channel. */
  #reconcile(): void {
    if (!this.#isStarted || this.#stop.signal.aborted) return;
    const wanted = new Map(this.#desired.edges.map((spec) => [spec.name, spec]));
    this.#segments.want(this.#desired.segments, this.#segmentsInUse());
    for (const name of wanted.keys()) this.#edge(name);
    for (const edge of this.#edges.values()) {
      edge.want(wanted.get(edge.name));
      void this.#advance(edge);
    }
  }

  #segmentsInUse(): Set<string> {
    const specs = [...this.#edges.values()].map(({ running }) => running);
    return new Set(
      specs.filter((spec): spec is EdgeSpec => !!spec?.segment).map(({ segment }) => segment),
    );
  }

  async #advance(edge: Edge): Promise<void> {
    const isDone = await edge.advance();
    const isWanted = this.#desired.edges.some(({ name }) => name === edge.name);
    if (!isDone || isWanted || this.#edges.get(edge.name) !== edge) return;
    this.#edges.delete(edge.name);
    // At once: an edge of this name may be wished again.
    try {
      this.#options.files.remove(edge.name);
    } catch (error) {
      this.#options.logger.warn({ edge: edge.name, problem: messageOf(error) }, "files are left");
    }
  }
}

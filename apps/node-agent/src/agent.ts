/** Keeps the edges of its machines as they shall be, whoever asks or does not ask. */
import { equals } from "@bufbuild/protobuf";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { RpcError } from "@glassline/proto/errors";
import type { Backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";

import { checkDesired } from "./core/desired.ts";
import type { Driver } from "./drivers/driver.ts";
import { Edge } from "./edge.ts";
import type { StateStore } from "./stores/state-store.ts";

const LOOK_INTERVAL_MS = 250;

export interface AgentOptions {
  machines: readonly string[];
  driver: Driver;
  store: StateStore;
  clock: Clock;
  logger: Logger;
  newBackoff: () => Backoff;
  /** What an edge takes for its viewers when it is told to stop. */
  drainMs: number;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #edges = new Map<string, Edge>();
  readonly #stop = new AbortController();
  #desired: SetDesiredStateRequest;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#desired = options.store.desired();
  }

  get fencingToken(): bigint {
    return this.#desired.fencingToken;
  }

  states() {
    return [...this.#edges.values()].map((edge) => edge.state());
  }

  /** Adopts what runs, and goes on towards what was wished the last time. */
  async start(): Promise<void> {
    for (const started of this.#options.store.started())
      await this.#edge(started.spec.name).adopt(started);
    this.#reconcile();
    void every(this.#options.clock, LOOK_INTERVAL_MS, this.#stop.signal, async () => {
      await Promise.all([...this.#edges.values()].map((edge) => edge.look()));
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
    const before = { ...this.#desired, fencingToken: request.fencingToken };
    const changed = !equals(SetDesiredStateRequestSchema, before, request);
    if (changed || request.fencingToken > this.fencingToken)
      this.#options.store.setDesired(request);
    this.#desired = request;
    this.#reconcile();
    return changed;
  }

  /** @param stopEdges false: they go on without the agent. */
  async close(stopEdges: boolean): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#edges.values()].map((edge) => edge.settled()));
    if (stopEdges) await Promise.all([...this.#edges.values()].map((edge) => edge.stop()));
  }

  #edge(name: string): Edge {
    const known = this.#edges.get(name);
    if (known) return known;
    const changed = () => this.#reconcile();
    const edge = new Edge(name, {
      ...this.#options,
      backoff: this.#options.newBackoff(),
      changed,
    });
    this.#edges.set(name, edge);
    return edge;
  }

  /** Each edge goes its own way: one that takes long to stop holds up no other. */
  #reconcile(): void {
    if (this.#stop.signal.aborted) return;
    const wanted = new Map(this.#desired.edges.map((spec) => [spec.name, spec]));
    for (const name of wanted.keys()) this.#edge(name);
    for (const edge of this.#edges.values()) {
      edge.want(wanted.get(edge.name));
      void this.#advance(edge);
    }
  }

  async #advance(edge: Edge): Promise<void> {
    const isDone = await edge.advance(this.#stop.signal);
    const isWanted = this.#desired.edges.some(({ name }) => name === edge.name);
    if (isDone && !isWanted) this.#edges.delete(edge.name);
  }
}

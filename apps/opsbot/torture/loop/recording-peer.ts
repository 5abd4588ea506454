/**
 * What OpsBot acts on, without a network behind it: edges and a node-agent that keep to fencing tokens and idempotency keys as the real ones do,
 * by the same code, and write down each effect that there really was.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { PrimeRequest, PurgeRequest, SetDrainingRequest } from "@glassline/proto/edge";
import { EdgeCacheService } from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { NodeAgentService } from "@glassline/proto/node";
import { addService } from "@glassline/proto/rpc";
import { Fencing } from "@glassline/service/fencing";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import type { Identity, PeerName } from "@glassline/service/identity";
import { OneShotActions } from "@glassline/service/one-shot-actions";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

const AGENT = "agent-1";

export interface Effect {
  /** "purge edge-1", "restart edge-1 2". */
  what: string;
  idempotencyKey: string;
  fencingToken: bigint;
}

export interface PeerOptions {
  edges: readonly string[];
  identityOf: (name: PeerName) => Promise<Identity>;
  /** An effect takes so long at most, ms. */
  slowMs?: number;
}

/** Of one edge or node-agent. */
interface Part {
  fencing: Fencing;
  actions: OneShotActions;
  /** Highest token of all that have come, by our own count. */
  highest: bigint;
  generations: Map<string, bigint>;
}

export class RecordingPeer implements AsyncDisposable {
  readonly #options: PeerOptions;
  readonly #parts = new Map<string, Part>();
  readonly #stack = new AsyncDisposableStack();
  readonly #ports = new Map<string, number>();
  /** In order. */
  effects: Effect[] = [];
  /** Calls with a token that was too low. */
  refused = 0;
  /** Effects with a token lower than one that had come before: there must be none. */
  stale: Effect[] = [];
  onEffect: (effect: Effect) => void = () => {};

  private constructor(options: PeerOptions) {
    this.#options = options;
  }

  static async start(options: PeerOptions): Promise<RecordingPeer> {
    const peer = new RecordingPeer(options);
    for (const edge of options.edges)
      await peer.#listen({ role: "edge-cache", instance: edge }, (server) =>
        addService(server, EdgeCacheService, peer.#edge(edge)),
      );
    await peer.#listen({ role: "node-agent", instance: AGENT }, (server) =>
      addService(server, NodeAgentService, peer.#agent()),
    );
    peer.reset();
    return peer;
  }

  /** OpsBot's flags for it. */
  get words(): string[] {
    const { edges } = this.#options;
    const at = (name: string) => `${name}=127.0.0.1:${this.#ports.get(name)}`;
    return [
      ...edges.map((edge) => `--edge=${at(edge)}`),
      `--node-agent=${at(AGENT)}`,
      `--edges=${JSON.stringify({ edges: edges.map((name) => ({ name })) })}`,
    ];
  }

  /** As if everything was new. */
  reset(): void {
    this.effects = [];
    this.stale = [];
    this.refused = 0;
    for (const name of this.#ports.keys()) {
      const fencing = new Fencing();
      const actions = new OneShotActions({ fencing });
      this.#parts.set(name, { fencing, actions, highest: 0n, generations: new Map() });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #listen(name: PeerName, serve: (server: grpc.Server) => void): Promise<void> {
    const server = new grpc.Server(GRPC_LIMITS);
    serve(server);
    const credentials = mutualTlsServer(await this.#options.identityOf(name));
    const what = `${name.role} ${name.instance}`;
    this.#ports.set(name.instance, await listenGrpc(server, what, "127.0.0.1", 0, credentials));
    this.#stack.defer(() => closeGrpc(server, 0));
  }

  #edge(edge: string) {
    return {
      getStatus: absent,
      getPriming: absent,
      revokeTokens: absent,
      listRevocations: absent,
      purge: (request: PurgeRequest) => this.#once(edge, `purge ${edge}`, request, { objects: 1 }),
      prime: (request: PrimeRequest) =>
        this.#once(edge, `prime ${edge} ${request.path}`, request, { objects: 1 }),
      setDraining: (request: SetDrainingRequest) =>
        this.#once(edge, `${request.draining ? "drain" : "undrain"} ${edge}`, request, {
          changed: true,
          viewers: 0,
        }),
      fence: ({ fencingToken }: { fencingToken: bigint }) =>
        this.#heeding(edge, fencingToken, async ({ fencing }) => {
          await fencing.raise(fencingToken);
          return { fencingToken: fencing.highest };
        }),
    };
  }

  #agent() {
    return {
      // Of edges that name no machine.
      getStatus: async () => ({ machines: [""] }),
      getLogs: absent,
      setDesiredState: ({ fencingToken, edges }: SetDesiredStateRequest) =>
        this.#heeding(AGENT, fencingToken, async ({ fencing, generations }) => {
          await fencing.raise(fencingToken);
          let changed = false;
          for (const { name, generation } of edges) {
            const known = generations.get(name) ?? 1n;
            if (generation <= known) continue;
            generations.set(name, generation);
            changed = true;
            const what = `restart ${name} ${generation}`;
            this.#record(AGENT, { what, idempotencyKey: what, fencingToken });
          }
          await this.#takeTime();
          return { changed };
        }),
    };
  }

  #once<T extends object>(
    edge: string,
    what: string,
    caller: { idempotencyKey: string; fencingToken: bigint },
    answer: T,
  ) {
    const { idempotencyKey, fencingToken } = caller;
    return this.#heeding(edge, fencingToken, ({ actions }) =>
      actions.once(what, edge, caller, async () => {
        this.#record(edge, { what, idempotencyKey, fencingToken });
        await this.#takeTime();
        return answer;
      }),
    );
  }

  /** Counts what is refused. */
  async #heeding<T>(name: string, token: bigint, answer: (part: Part) => Promise<T>): Promise<T> {
    const part = this.#parts.get(name)!;
    if (token > part.highest) part.highest = token;
    try {
      return await answer(part);
    } catch (error) {
      if (error instanceof RpcError && error.code === "failed_precondition") this.refused++;
      throw error;
    }
  }

  #record(name: string, effect: Effect): void {
    this.effects.push(effect);
    if (effect.fencingToken < this.#parts.get(name)!.highest) this.stale.push(effect);
    this.onEffect(effect);
  }

  async #takeTime(): Promise<void> {
    const { slowMs = 0 } = this.#options;
    if (slowMs > 0) await delay(Math.random() * slowMs);
  }
}

async function absent(): Promise<never> {
  throw new RpcError("unimplemented", "this peer has no such thing");
}

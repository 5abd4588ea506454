/** Another edge of the cluster: whether it is there, what it has been told, and how it is asked. */
import type { Position } from "../core/purge-log.ts";
import { hashOf } from "../core/rendezvous.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../upstream/upstream.ts";
import { UpstreamError } from "../upstream/upstream.ts";
import type { EdgeState } from "./messages.ts";
import { AWAY_FIELD, HELD_PATH } from "./messages.ts";

/** A busy machine may answer late once. */
const TIMEOUTS_BEFORE_AWAY = 2;

export class Member {
  readonly name: string;
  readonly url: string;
  /** For weights of objects. */
  readonly seed: number;
  /** Questions of this edge that it has not answered yet. */
  open = 0;
  /** How far its purges were read here. */
  read: Position | undefined;
  /** How far it has read ours. */
  #knows: Position | undefined;
  #isReachable = false;
  #timeouts = 0;
  readonly #upstream: Upstream;
  readonly #asked = new Set<AbortController>();

  constructor(name: string, url: string, upstream: Upstream) {
    this.name = name;
    this.url = url;
    this.seed = hashOf(name);
    this.#upstream = upstream;
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  get knows(): Position | undefined {
    return this.#knows;
  }

  /** It answers, and has done all purges of this edge. @param end of our purges. */
  isUsable(end: Position): boolean {
    return this.#isReachable && this.#knows === end;
  }

  /** @param own name of this edge. */
  told({ read }: Pick<EdgeState, "read">, own: string): void {
    this.#isReachable = true;
    this.#timeouts = 0;
    this.#knows = read[own];
  }

  late(): void {
    if (++this.#timeouts >= TIMEOUTS_BEFORE_AWAY) this.lost();
  }

  /** Who waits for its answers asks elsewhere. */
  lost(): void {
    this.#isReachable = false;
    for (const abort of this.#asked) abort.abort();
  }

  /** Rejects with UpstreamError when it gives no answer, or has none of the origin. */
  async ask(request: UpstreamRequest): Promise<UpstreamResponse> {
    const abort = new AbortController();
    this.#asked.add(abort);
    this.open++;
    try {
      const signal = AbortSignal.any([request.signal, abort.signal]);
      const answer = await this.#upstream.open({ ...request, signal });
      const body = this.#untilLost(answer.body, abort);
      if (!answer.fields.has(AWAY_FIELD)) return { ...answer, body, isFromMember: true };
      for await (const chunk of body) void chunk;
      throw new UpstreamError("away", `${this.name}: it gets no answer of the origin`);
    } catch (error) {
      this.#asked.delete(abort);
      throw error;
    } finally {
      this.open--;
    }
  }

  /** A body that comes from a member that is lost breaks off. */
  async *#untilLost(body: AsyncIterable<Buffer>, abort: AbortController): AsyncGenerator<Buffer> {
    try {
      yield* body;
    } finally {
      this.#asked.delete(abort);
    }
  }

  /** What it has in its store; undefined: nothing, or it does not answer. */
  async held(request: UpstreamRequest): Promise<UpstreamResponse | undefined> {
    try {
      const answer = await this.ask({ ...request, target: `${HELD_PATH}${request.target}` });
      if (answer.status !== 404) return answer;
      for await (const chunk of answer.body) void chunk;
    } catch {
      // Then it is asked for elsewhere.
    }
    return undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#upstream[Symbol.asyncDispose]() as Promise<void>;
  }
}

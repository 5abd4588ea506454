/** Replicas that share what there is to allocate: what a dead or stopped one has not answered is given to another one. */
import { setTimeout as delay } from "node:timers/promises";

import type { Bitmap } from "./bitmap.ts";
import { Replica } from "./replica.ts";
import type { Chunk, Told } from "./words.ts";

/** What a replica is told at once. */
const UNDER_WAY_MAX = 2;
const LOOK_MS = 5;
const PATIENCE_MS = 300_000;
/** Of chunks that were answered: asked again of whoever comes next. */
const AGAIN_SHARE = 0.02;

interface Given extends Chunk {
  /** Asked a second time. */
  isAgain: boolean;
}

export class Fleet implements AsyncDisposable {
  readonly #replicas: Replica[];
  readonly #underWay = new Map<Replica, Map<number, Given>>();
  readonly #bitmap: Bitmap;
  readonly #random: () => number;
  #queue: Given[] = [];
  readonly #dying = new Set<Replica>();
  readonly #answered = new Set<number>();
  #heardMs = performance.now();
  /** What one of them answered to an order that is no allocation. */
  #reconciled: Extract<Told, { reconciled: unknown }>["reconciled"] | undefined;
  readonly refusals: string[] = [];
  answers = 0;
  /** Chunks that were answered again: late, or on purpose. */
  again = 0;

  constructor(words: readonly string[], count: number, bitmap: Bitmap, random: () => number) {
    [this.#bitmap, this.#random] = [bitmap, random];
    this.#replicas = Array.from({ length: count }, () => {
      const replica: Replica = new Replica(words, (told) => this.#hear(replica, told));
      this.#underWay.set(replica, new Map());
      return replica;
    });
  }

  get replicas(): readonly Replica[] {
    return this.#replicas;
  }

  /** Any of those that work. */
  any(): Replica | undefined {
    const ready = this.#replicas.filter(({ isReady }) => isReady);
    return ready[Math.floor(this.#random() * ready.length)];
  }

  /** Resolves when each owner has been answered. @param meanwhile is called again and again. */
  async allocate(chunks: readonly Chunk[], meanwhile: () => void): Promise<void> {
    this.#queue = chunks.map((chunk) => ({ ...chunk, isAgain: false }));
    this.#answered.clear();
    this.#heardMs = performance.now();
    while (this.#queue.length > 0 || this.#isUnderWay()) {
      for (const replica of this.#replicas) this.#give(replica);
      meanwhile();
      this.#mustHear();
      await delay(LOOK_MS);
    }
    this.#mustHear();
  }

  /** Resolves with what it found; asks another one when it dies. */
  async reconcile(about: { kept: number; dropEach: number; seen: number }) {
    this.#reconciled = undefined;
    this.#heardMs = performance.now();
    let asked: Replica | undefined;
    while (!this.#reconciled) {
      if (!asked?.isReady) {
        asked = this.any();
        asked?.order({ reconcile: about });
      }
      this.#mustHear();
      await delay(LOOK_MS);
    }
    return this.#reconciled;
  }

  /** It is started again at once. */
  async kill(replica: Replica): Promise<void> {
    if (this.#dying.has(replica)) return;
    this.#dying.add(replica);
    await replica.kill();
    this.#takeBack(replica);
    replica.restart();
    this.#dying.delete(replica);
  }

  /** What any of them still does ends. */
  async killAll(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => this.kill(replica)));
  }

  /** Others answer in its place, before it wakes up and does so as well. */
  async stopFor(replica: Replica, lengthMs: number): Promise<void> {
    replica.stop();
    this.#takeBack(replica);
    await delay(lengthMs);
    replica.goOn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica[Symbol.asyncDispose]()));
  }

  #isUnderWay(): boolean {
    return [...this.#underWay.values()].some(({ size }) => size > 0);
  }

  #mustHear(): void {
    const [refusal] = this.refusals;
    if (refusal !== undefined) throw new Error(refusal);
    if (performance.now() - this.#heardMs < PATIENCE_MS) return;
    const said = this.#replicas.map((replica) => replica.said).join("\n");
    throw new Error(`replicas: got no answer in ${PATIENCE_MS} ms, expected some\n${said}`);
  }

  #give(replica: Replica): void {
    const underWay = this.#underWay.get(replica)!;
    while (replica.isReady && underWay.size < UNDER_WAY_MAX) {
      const next = this.#queue.pop();
      if (!next) return;
      underWay.set(next.first, next);
      replica.order({ allocate: { first: next.first, count: next.count } });
    }
  }

  #takeBack(replica: Replica): void {
    const underWay = this.#underWay.get(replica)!;
    this.#queue.push(...underWay.values());
    underWay.clear();
  }

  #hear(replica: Replica, told: Told): void {
    this.#heardMs = performance.now();
    if ("refused" in told) this.refusals.push(told.refused);
    if ("reconciled" in told) this.#reconciled = told.reconciled;
    if (!("allocated" in told)) return;
    const { allocated, vnis } = told;
    this.answers++;
    for (let at = 0; at < allocated.count; at++) this.#bitmap.told(allocated.first + at, vnis[at]!);
    this.#underWay.get(replica)!.delete(allocated.first);
    if (this.#answered.has(allocated.first)) this.again++;
    else if (this.#random() < AGAIN_SHARE) this.#queue.unshift({ ...allocated, isAgain: true });
    this.#answered.add(allocated.first);
  }
}

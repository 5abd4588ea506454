/** A loop as a process, seen from its parent. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Order, Told } from "./words.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const SAID_CHARS = 4_000;

export class LoopProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #told: Told[] = [];
  readonly #listeners = new Set<(told: Told) => void>();
  #said = "";

  /** @param words OpsBot's flags. */
  constructor(words: readonly string[]) {
    this.#child = spawn(process.execPath, [MAIN, ...words], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // Ctrl-C is for this program.
      detached: true,
    });
    this.#closed = once(this.#child, "close");
    this.#child.on("error", () => {});
    this.#child.stderr!.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-SAID_CHARS);
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.#hear(line));
  }

  /** All that it has told, in order. */
  get told(): readonly Told[] {
    return this.#told;
  }

  /** Boundaries that it has reached. */
  get reached(): string[] {
    return this.#told.flatMap((told) => ("at" in told ? [told.at] : []));
  }

  /** What it wrote to standard error last. */
  get said(): string {
    return this.#said;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  onTold(listener: (told: Told) => void): void {
    this.#listeners.add(listener);
  }

  /** What has ended meanwhile does not hear it. */
  order(order: Order): void {
    if (!this.hasEnded && this.#child.connected) this.#child.send(order, () => {});
  }

  /** @param signal SIGSTOP, SIGCONT or SIGKILL. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * The first that it told, or tells, of this kind; undefined: it ended before. Rejects when it takes too long.
   * @param what for people.
   */
  async until<T extends Told>(
    what: string,
    isIt: (told: Told) => told is T,
    timeoutMs: number,
  ): Promise<T | undefined> {
    const known = this.#told.find(isIt);
    if (known) return known;
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const listener = (told: Told) => {
      if (isIt(told)) resolve(told);
    };
    this.#listeners.add(listener);
    const late = () => reject(new Error(`${what}: got nothing in ${timeoutMs} ms\n${this.#said}`));
    const timer = setTimeout(late, timeoutMs);
    void this.#closed.then(() => resolve(undefined));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    }
  }

  /** Resolves when it has ended and all that it told was heard. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGKILL");
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #hear(line: string): void {
    const told = JSON.parse(line) as Told;
    this.#told.push(told);
    for (const listener of this.#listeners) listener(told);
  }
}

export const isReady = (told: Told): told is Extract<Told, { ready: true }> => "ready" in told;
export const isComplete = (told: Told): told is Extract<Told, { complete: true }> =>
  "complete" in told;

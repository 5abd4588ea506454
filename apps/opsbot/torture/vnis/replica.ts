/** A replica over its lives, seen from its parent. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { Order, Told } from "./words.ts";

const MAIN = fileURLToPath(new URL("replica-main.ts", import.meta.url));
const SAID_CHARS = 4_000;

export class Replica implements AsyncDisposable {
  readonly #words: readonly string[];
  readonly #hear: (told: Told) => void;
  #child: ChildProcess;
  #said = "";
  #isReady = false;
  isStopped = false;

  /** @param words of its main file. @param hear what it tells, in each of its lives. */
  constructor(words: readonly string[], hear: (told: Told) => void) {
    [this.#words, this.#hear] = [words, hear];
    this.#child = this.#start();
  }

  /** What it wrote to standard error last. */
  get said(): string {
    return this.#said;
  }

  /** Whether it can be told something, and would do it soon. */
  get isReady(): boolean {
    return this.#isReady && !this.isStopped && !this.hasEnded;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  order(order: Order): void {
    if (!this.hasEnded && this.#child.connected) this.#child.send(order, () => {});
  }

  stop(): void {
    this.isStopped = true;
    this.#child.kill("SIGSTOP");
  }

  goOn(): void {
    this.isStopped = false;
    this.#child.kill("SIGCONT");
  }

  /** Resolves when it has ended; what it had told until then is heard. */
  async kill(): Promise<void> {
    const ended = this.hasEnded ? undefined : once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await ended;
    this.isStopped = false;
  }

  restart(): void {
    this.#child = this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #start(): ChildProcess {
    this.#isReady = false;
    const child = spawn(process.execPath, [MAIN, ...this.#words], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced",
      // Ctrl-C is for this program.
      detached: true,
    });
    child.on("error", () => {});
    child.stderr!.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-SAID_CHARS);
    });
    child.on("message", (told: Told) => {
      if ("ready" in told) this.#isReady = true;
      else this.#hear(told);
    });
    return child;
  }
}

/** A program of ours as `npm run start` starts it, in a process group of its own that can be killed at any moment. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 12_000;
const OUTPUT_MAX_CHARACTERS = 20_000;

export class KillableProcess {
  readonly #child: ChildProcess;
  readonly #what: string;
  readonly #startedMs = performance.now();
  #output = "";

  /**
   * @param what it is, for messages.
   * @param words the program's main file, and its flags.
   * @param launcher a program with its words that becomes Node: "ip", "netns", "exec", NAME.
   */
  constructor(
    what: string,
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
    launcher: readonly string[] = [],
  ) {
    this.#what = what;
    const [program = process.execPath, ...rest] = [...launcher, process.execPath, ...words];
    this.#child = spawn(program, rest, {
      // Ctrl-C is for this program: the other one is not to stop by itself.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_MAX_CHARACTERS);
      });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** What it said last. */
  get output(): string {
    return this.#output;
  }

  /** Counts the lines with a text that it says from now on. @returns how many there were so far. */
  counting(text: string): () => number {
    let count = 0;
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      if (line.includes(text)) count++;
    });
    return () => count;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** @returns how long the start took, ms. Rejects when it ends or is not ready in time. */
  async ready(): Promise<number> {
    const timeout = new AbortController();
    const ended = once(this.#child, "close");
    const [told] = (await Promise.race([
      once(this.#child, "message", { signal: timeout.signal }),
      ended,
      delay(START_TIMEOUT_MS, [], { signal: timeout.signal, ref: false }),
    ]).finally(() => timeout.abort())) as unknown[];
    // It says why, and ends.
    if (typeof told === "object" && told !== null && "failed" in told) await ended;
    if (this.hasEnded) throw new Error(`${this.#what} ended at its start:\n${this.#output}`);
    const tookMs = performance.now() - this.#startedMs;
    if (tookMs >= START_TIMEOUT_MS)
      throw new Error(`${this.#what} was not ready in ${START_TIMEOUT_MS} ms:\n${this.#output}`);
    return tookMs;
  }

  /** Resolves when it and its group have ended; one that does not follow is killed. @returns whether it followed. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<boolean> {
    if (this.hasEnded) return true;
    const ended = once(this.#child, "close");
    this.#child.kill(signal);
    const late = new AbortController();
    const isLate = await Promise.race([
      ended.then(() => false),
      delay(STOP_TIMEOUT_MS, true, { signal: late.signal }),
    ]);
    if (isLate) this.#child.kill("SIGKILL");
    await ended;
    late.abort();
    await this.#groupEnded();
    return !isLate;
  }

  /** Kills it and those that it has started in one moment. */
  async killAll(): Promise<void> {
    if (!this.hasEnded) process.kill(-this.pid, "SIGKILL");
    await this.end("SIGKILL");
  }

  async #groupEnded(): Promise<void> {
    for (;;) {
      try {
        process.kill(-this.pid, 0);
      } catch {
        return;
      }
      await delay(2);
    }
  }
}

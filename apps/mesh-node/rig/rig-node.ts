/** A process of the rig, as its parent sees it. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";

import type { Order, Reach, Told, Ways } from "./node.ts";

const START_TIMEOUT_MS = 60_000;

export class RigNode implements AsyncDisposable {
  readonly name: string;
  /** What it said last. */
  reach: Reach = { reach: 0, atMs: 0 };
  readonly #words: readonly string[];
  readonly #launcher: readonly string[];
  #child: ChildProcess | undefined;
  #told: (told: Told) => void = () => {};
  #ways: (ways: Ways["ways"]) => void = () => {};

  /** @param launcher a program with its words that becomes Node. */
  constructor(name: string, words: readonly string[], launcher: readonly string[]) {
    [this.name, this.#words, this.#launcher] = [name, words, launcher];
  }

  /** Of one that runs. */
  get pid(): number {
    return this.#child!.pid!;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const [program = process.execPath, ...rest] = [
      ...this.#launcher,
      process.execPath,
      ...this.#words,
    ];
    this.reach = { reach: 0, atMs: 0 };
    const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
    const child = spawn(program, rest, { stdio: [...stdio] });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(reject, START_TIMEOUT_MS, new Error(`${this.name} does not listen`));
    child.on("message", (said: { ready?: object } | Reach | Told | Ways) => {
      if ("reach" in said) this.reach = said;
      else if ("arrivals" in said) this.#told(said);
      else if ("ways" in said) this.#ways(said.ways);
      else if ("ready" in said) resolve();
    });
    child.once("exit", () => reject(new Error(`${this.name} ended at its start`)));
    await promise.finally(() => clearTimeout(late));
  }

  obey(order: Order): void {
    this.#child?.send(order);
  }

  tell(): Promise<Told> {
    return new Promise((resolve) => {
      this.#told = resolve;
      this.obey({ order: "tell" });
    });
  }

  /** The next hop, by destination. */
  ways(): Promise<Ways["ways"]> {
    return new Promise((resolve) => {
      this.#ways = resolve;
      this.obey({ order: "ways" });
    });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/**
 * A program in a few files of JavaScript: it needs nothing else of the repository, and starts in half the time.
 * Source: https://rolldown.rs/apis/rolldown-api, https://nodejs.org/api/module.html#module-compile-cache
 */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const BUNDLE = fileURLToPath(new URL("main.ts", import.meta.url));
const LIMITED = { timeout: 60_000, killSignal: "SIGKILL" } as const;

export class BundledProgram {
  /** Holds all of it. */
  readonly directory: string;
  readonly #source: string;
  #made: Promise<void> | undefined;

  /** @param source its main.ts, which answers --help. */
  constructor(directory: string, source: string) {
    this.directory = resolve(directory);
    this.#source = source;
  }

  get path(): string {
    return join(this.directory, "main.mjs");
  }

  get environment(): Record<string, string> {
    return compiledIn(join(this.directory, "compiled"));
  }

  /** Once; rejects when it cannot be made, which the next one who asks tries again. Files of an earlier life stay for whoever runs them. */
  made(): Promise<void> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }

  async #make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    const run = promisify(execFile);
    await run(process.execPath, [BUNDLE, this.#source, this.directory], LIMITED);
    // Compiled code is written at an end, which a program may not come to for long; and containers may only read it.
    const env = { ...process.env, ...this.environment };
    await run(process.execPath, [this.path, "--help"], { ...LIMITED, env }).catch(() => {});
  }
}

/** Environment of a program whose compiled code is kept for its next start. */
export const compiledIn = (directory: string) => ({ NODE_COMPILE_CACHE: directory });

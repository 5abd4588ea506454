/** Compiled code of the edge cache, kept for the next start of an edge. Source: https://nodejs.org/api/module.html#module-compile-cache */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";

import { output } from "./programs.ts";

const VARIABLE = "NODE_COMPILE_CACHE";

export class CompiledCode {
  readonly directory: string;
  readonly #program: string;
  #made: Promise<void> | undefined;

  /** @param directory where the agent's own environment names none. @param program main.ts of the edge cache. */
  constructor(directory: string, program: string) {
    this.directory = resolve(process.env[VARIABLE] || directory);
    this.#program = program;
  }

  get environment(): Record<string, string> {
    return { [VARIABLE]: this.directory };
  }

  /** "NAME=value" */
  get variable(): string {
    return `${VARIABLE}=${this.directory}`;
  }

  /** For those that may only read it. Resolves also when it cannot be made: their start takes longer then. */
  made(): Promise<void> {
    return (this.#made ??= this.#make().catch(() => {}));
  }

  async #make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    // It is written at an end, which an edge may not come to for long.
    await output("env", [this.variable, process.execPath, this.#program, "--help"]);
  }
}

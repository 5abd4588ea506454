/**
 * The edge cache in a few files of JavaScript, for containers: they need nothing else of the repository, and a start takes half as long.
 * Source: https://rolldown.rs/apis/rolldown-api, https://nodejs.org/api/module.html#module-compile-cache
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { output } from "./programs.ts";

const BUNDLE = fileURLToPath(new URL("bundle-main.ts", import.meta.url));
const BUNDLE_TIMEOUT_MS = 60_000;

export class BundledProgram {
  /** Holds all of it. */
  readonly directory: string;
  readonly #source: string;
  #made: Promise<void> | undefined;

  /** @param source main.ts of the edge cache. */
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

  /** Once; rejects when it cannot be made, which the next one who asks tries again. Files of an earlier life stay for its containers. */
  made(): Promise<void> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }

  async #make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    await output(process.execPath, [BUNDLE, this.#source, this.directory], BUNDLE_TIMEOUT_MS);
    // Compiled code is written at an end, which an edge may not come to for long; and containers may only read it.
    const words = Object.entries(this.environment).map(([name, value]) => `${name}=${value}`);
    await output("env", [...words, process.execPath, this.path, "--help"]).catch(() => {});
  }
}

/** Environment of a program whose compiled code is kept for its next start. */
export const compiledIn = (directory: string) => ({ NODE_COMPILE_CACHE: directory });

/** How far the purges of others were read, for a store that outlives its process. */
import { readFile, rename, writeFile } from "node:fs/promises";

import type { Position } from "../core/purge-log.ts";

export class Positions {
  readonly #path: string;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** By name of the member; nothing where they cannot be read: then all purges are read that there are. */
  async load(): Promise<ReadonlyMap<string, Position>> {
    try {
      const read: unknown = JSON.parse(await readFile(this.#path, "utf8"));
      const all = Object.entries(read as Record<string, unknown>);
      return new Map(
        all.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
      );
    } catch {
      return new Map();
    }
  }

  /** One after the other. Rejects when they cannot be written. */
  save(read: Readonly<Record<string, Position>>): Promise<void> {
    const write = async () => {
      await writeFile(`${this.#path}.new`, JSON.stringify(read));
      await rename(`${this.#path}.new`, this.#path);
    };
    return (this.#saving = this.#saving.then(write, write));
  }
}

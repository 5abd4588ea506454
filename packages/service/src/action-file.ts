/** What of one-shot actions outlives the process: the highest fencing token, and keys of actions that would end it. */
import { readFile } from "node:fs/promises";

import { replaceFile } from "@glassline/segment-log/files";

import { OperatorError, systemCodeOf } from "./errors.ts";

/** Older keys are forgotten. */
const KEYS_MAX = 1_000;

export class ActionFile {
  readonly #path: string;
  #fencingToken: bigint;
  #keys: readonly string[];
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    { fencingToken, keys }: Pick<ActionFile, "fencingToken" | "keys">,
  ) {
    this.#path = path;
    this.#fencingToken = fencingToken;
    this.#keys = keys;
  }

  /** @param path of the file, in a folder that is there. Fails with OperatorError when the file is there and cannot be read. */
  static async open(path: string): Promise<ActionFile> {
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return ActionFile.begin(path);
    const read = parsed(text);
    if (read) return new ActionFile(path, read);
    throw new OperatorError(
      `${path}: got ${JSON.stringify(text.slice(0, 80))}, expected a fencing token and keys of actions. ` +
        "Remove the file to begin without them.",
    );
  }

  /** Nothing is known yet; what the file holds is replaced. */
  static begin(path: string): ActionFile {
    return new ActionFile(path, { fencingToken: 0n, keys: [] });
  }

  get fencingToken(): bigint {
    return this.#fencingToken;
  }

  /** Oldest first. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** Resolves when it is on disk. Rejects when it cannot be written. */
  keepToken(token: bigint): Promise<void> {
    if (token > this.#fencingToken) this.#fencingToken = token;
    return this.#write();
  }

  /** Resolves when it is on disk. Rejects when it cannot be written; it may be there nevertheless. */
  keepKey(key: string): Promise<void> {
    this.#keys = [...this.#keys.filter((known) => known !== key), key].slice(-KEYS_MAX);
    return this.#write();
  }

  /** One after the other. */
  #write(): Promise<void> {
    const write = () => {
      const record = { fencingToken: String(this.#fencingToken), keys: this.#keys };
      return replaceFile(this.#path, `${JSON.stringify(record)}\n`);
    };
    return (this.#writing = this.#writing.then(write, write));
  }
}

function parsed(text: string): Pick<ActionFile, "fencingToken" | "keys"> | undefined {
  try {
    const { fencingToken, keys } = JSON.parse(text) as Record<string, unknown>;
    if (typeof fencingToken !== "string" || !/^\d{1,20}$/.test(fencingToken)) return undefined;
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) return undefined;
    return { fencingToken: BigInt(fencingToken), keys };
  } catch {
    return undefined;
  }
}

/**
 * Purges of many objects, written down before they are said to be done: without them, what they purged would come back from the disk
 * after a restart. A line each: a checksum, then JSON. A journal that cannot be trusted is no journal, and then no segment is used.
 */
import type { FileHandle } from "node:fs/promises";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import { syncDirectory, writeWhole } from "@glassline/segment-log/files";

import type { NumberedPurge, Purges } from "../../core/purges.ts";

const NAME = "purges.log";
const HEAD = '{"glassline":"purges","version":1}';
/** Lines beyond what is needed, before it is written anew. */
const SPARE_LINES = 1_000;

export class PurgeJournal implements AsyncDisposable {
  readonly #directory: string;
  readonly #purges: Purges;
  /** Undefined: it is not on the disk. */
  #handle: FileHandle | undefined;
  #lines = 0;
  /** Number of the newest purge in it. */
  #last = 0;
  #isDistrusted = false;
  #isClosed = false;
  /** Writes happen one after another. */
  #work: Promise<void> = Promise.resolve();

  private constructor(directory: string, purges: Purges) {
    this.#directory = directory;
    this.#purges = purges;
  }

  /** A new one, with the purges that are known; not on the disk yet where that takes nothing. */
  static async create(directory: string, purges: Purges): Promise<PurgeJournal> {
    const journal = new PurgeJournal(directory, purges);
    await journal.#next(() => journal.#rewrite());
    return journal;
  }

  /** Tells the purges of the one that is there. Undefined: there is none, or it cannot be trusted. */
  static async open(directory: string, purges: Purges): Promise<PurgeJournal | undefined> {
    const text = await readFile(join(directory, NAME), "utf8").catch(() => "");
    const all = purgesIn(text);
    if (!all) return undefined;
    for (const { number, ...purge } of all) purges.add(purge, number);
    const journal = new PurgeJournal(directory, purges);
    journal.#handle = await open(join(directory, NAME), "a");
    journal.#lines = all.length;
    journal.#last = purges.last;
    return journal;
  }

  /** Resolves when it is on the disk. Where the disk takes no more, the journal goes, and with it, at the next start, all segments. */
  add(purge: NumberedPurge): Promise<void> {
    return this.#next(async () => {
      if (this.#isDistrusted || purge.number <= this.#last) return;
      const isLong = this.#lines > 2 * this.#purges.known + SPARE_LINES;
      if (!this.#handle || isLong) return this.#rewrite();
      await writeWhole(this.#handle, [Buffer.from(lineOf(purge))]);
      await this.#handle.datasync();
      this.#lines++;
      this.#last = purge.number;
    });
  }

  /** Something was purged that the segments do not know of: they must not be used after a restart. */
  distrust(): Promise<void> {
    this.#isDistrusted = true;
    return this.#next(() => this.#remove());
  }

  /** The segments know of all that was purged. */
  async trust(): Promise<void> {
    if (this.#handle && !this.#isDistrusted) return;
    this.#isDistrusted = false;
    await this.#next(async () => {
      if (!this.#handle && !this.#isDistrusted) await this.#rewrite();
    });
  }

  /** Resolves when all that was added so far is on the disk, or the journal is not. */
  written(): Promise<void> {
    return this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#work;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /** Rejects when not even removing it is possible. */
  #next(work: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("the journal of purges is closed"));
    const done = this.#work.then(work).catch(() => this.#remove());
    this.#work = done.catch(() => {});
    return done;
  }

  async #remove(): Promise<void> {
    await this.#handle?.close().catch(() => {});
    this.#handle = undefined;
    await rm(join(this.#directory, NAME), { force: true });
    await syncDirectory(this.#directory);
  }

  async #rewrite(): Promise<void> {
    const all = this.#purges.all();
    const { last } = this.#purges;
    const path = join(this.#directory, NAME);
    const handle = await open(`${path}.new`, "w");
    try {
      const lines = [`${sealed(HEAD)}\n`, ...all.map(lineOf)];
      await writeWhole(handle, [Buffer.from(lines.join(""))]);
      await handle.datasync();
      await rename(`${path}.new`, path);
      await syncDirectory(this.#directory);
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    await this.#handle?.close().catch(() => {});
    this.#handle = handle;
    this.#lines = all.length;
    this.#last = last;
  }
}

function lineOf({ number, target, isSoft }: NumberedPurge): string {
  return `${sealed(JSON.stringify({ number, target, isSoft }))}\n`;
}

const sealed = (json: string): string => `${crc32(json).toString(16).padStart(8, "0")} ${json}`;

/** Undefined when any of it is not as it was written, its end too: a purge may have been there. */
function purgesIn(text: string): NumberedPurge[] | undefined {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.shift() !== sealed(HEAD)) return undefined;
  if (lines.some((line) => sealed(line.slice(9)) !== line)) return undefined;
  const purges = lines.map((line) => JSON.parse(line.slice(9)) as NumberedPurge);
  const isInOrder = purges.every(({ number }, at) => at === 0 || purges[at - 1]!.number < number);
  return isInOrder ? purges : undefined;
}

/** A folder for objects, held by one edge at a time. */
import { makeFolder } from "@glassline/segment-log/folder";
import { DirectoryInUse, lockDirectory } from "@glassline/segment-log/lock";
import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

import type { DiskStoreDeps } from "./disk-store.ts";
import { DiskStore } from "./disk-store.ts";
import { PurgeJournal } from "./purge-journal.ts";
import { removeSegments, segmentNumbers } from "./segment.ts";
import { removeSnapshot } from "./snapshot.ts";

const SEGMENT_LEAST_BYTES = 16_777_216;
const SEGMENT_MOST_BYTES = 268_435_456;
const SEGMENTS = 64;

/** For a folder of so many bytes. */
export const segmentBytesOf = (maxBytes: number): number =>
  Math.min(SEGMENT_MOST_BYTES, Math.max(SEGMENT_LEAST_BYTES, Math.floor(maxBytes / SEGMENTS)));

/** Fails with OperatorError when the folder cannot be used. */
export async function openDisk(deps: Omit<DiskStoreDeps, "journal">): Promise<DiskStore> {
  const lock = await hold(deps.directory);
  try {
    const journal = await journalOf(deps);
    const store = new DiskStore({ ...deps, journal });
    const close = store[Symbol.asyncDispose].bind(store);
    store[Symbol.asyncDispose] = async () => {
      await close();
      lock[Symbol.dispose]();
    };
    return store;
  } catch (error) {
    lock[Symbol.dispose]();
    throw unusable(deps.directory, error);
  }
}

async function hold(directory: string): Promise<Disposable> {
  try {
    await makeFolder(directory);
    return lockDirectory(directory);
  } catch (error) {
    throw unusable(directory, error);
  }
}

function unusable(directory: string, error: unknown): OperatorError {
  return new OperatorError(
    error instanceof DirectoryInUse
      ? `--disk: ${directory} is used by another edge that runs. Stop that one, or choose another folder.`
      : `--disk: cannot write to ${directory} (${systemCodeOf(error) ?? messageOf(error)}). Choose a folder that this user may write to.`,
    { cause: error },
  );
}

/** Segments without the purges that they belong to are not used: what was purged would come back. */
async function journalOf({
  directory,
  purges,
  logger,
}: Omit<DiskStoreDeps, "journal">): Promise<PurgeJournal> {
  const journal = await PurgeJournal.open(directory, purges);
  if (journal) return journal;
  const segments = await segmentNumbers(directory);
  if (segments.length > 0) {
    const about = { directory, segments: segments.length };
    logger.warn(about, "the journal of purges is missing or damaged: what is on disk is not used");
  }
  await removeSnapshot(directory);
  await removeSegments(directory);
  return PurgeJournal.create(directory, purges);
}

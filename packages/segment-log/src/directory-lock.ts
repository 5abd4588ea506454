/** One process a folder: SQLite's file lock, which the system takes back when its holder dies, however it dies. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Another holder, in this process or another, has the folder. */
export class DirectoryInUse extends Error {
  override readonly name = "DirectoryInUse";
}

/** Source: https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** Fails with DirectoryInUse, or as SQLite does when the folder cannot be written. */
export function lockDirectory(directory: string): Disposable {
  const database = new DatabaseSync(join(directory, "lock"), { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    const message = `${directory}: another process has this folder open`;
    throw new DirectoryInUse(message, { cause: error });
  }
  return { [Symbol.dispose]: () => database.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

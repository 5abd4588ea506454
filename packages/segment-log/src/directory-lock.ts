/** One process a folder: SQLite's file lock, which the system takes back when its holder dies, however it dies. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Fails when another holder, in this process or another, has the folder. */
export function lockDirectory(directory: string): Disposable {
  const database = new DatabaseSync(join(directory, "lock"), { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw new Error(`${directory}: another process has this folder open`, { cause: error });
  }
  return { [Symbol.dispose]: () => database.close() };
}

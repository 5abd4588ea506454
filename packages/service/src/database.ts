/** A SQLite file that one process has for itself, and in which what is committed is on disk. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { OperatorError } from "./errors.ts";

/** Source: https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Opens the file, and makes it when it is not there. The lock ends with its holder, however that one ends.
 * @param schema statements that may be run again. Throws OperatorError when another process has the file.
 */
export function openDatabase(path: string, schema: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Source: https://www.sqlite.org/pragma.html#pragma_locking_mode
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
    );
    database.exec(schema);
    return database;
  } catch (error) {
    database.close();
    if (!(error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY))
      throw error;
    throw new OperatorError(`${path}: another process has this file open.`, { cause: error });
  }
}

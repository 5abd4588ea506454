/** One turn of deciding: what it writes is written as a whole, and what follows from it comes after that. */
import type { Journal, Records } from "./stores/journal.ts";

export interface Turn {
  records: Records;
  /** Called when all is written; not called when it is not. */
  afterwards(work: () => void): void;
}

export async function takeTurn<T>(journal: Journal, work: (turn: Turn) => Promise<T>): Promise<T> {
  let later: (() => void)[] = [];
  const result = await journal.transact((records) => {
    later = [];
    return work({ records, afterwards: (next) => later.push(next) });
  });
  for (const next of later) next();
  return result;
}

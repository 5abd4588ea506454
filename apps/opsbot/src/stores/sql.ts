/** What the journal asks of a database: SQL that SQLite and PostgreSQL both understand, with `$1`, `$2`, … for values. A port. */

/** Integers are of 64 bits; larger numbers, such as times in nanoseconds, are texts. */
export type Value = string | number;
export type Row = Readonly<Record<string, unknown>>;

export interface Sql {
  /** At least one of all numbers up to the count of the values is in the text. */
  all(text: string, ...values: Value[]): Promise<Row[]>;
  /** @returns how many rows it changed. */
  run(text: string, ...values: Value[]): Promise<number>;
}

/** Reads outside of a transaction see what is committed. */
export interface Database extends Sql, AsyncDisposable {
  /**
   * What the work writes is on disk as a whole when this resolves, or not at all; one at a time. Rejects with what the work rejects with,
   * and with NotLeadingError where another process has taken over.
   */
  transact<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** What may be written by a process that does not lead: what people order. */
  transactAnyway<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

/** Another process may act now, and this one may not. */
export class NotLeadingError extends Error {
  override readonly name = "NotLeadingError";
}

export async function first(sql: Sql, text: string, ...values: Value[]): Promise<Row | undefined> {
  return (await sql.all(text, ...values))[0];
}

/** Where the two differ. */
export interface Dialect {
  /** A key that counts up. */
  id: string;
  integer: string;
  /** Behind a table. */
  strict: string;
  /** Statements by which no row of a table is ever changed or removed. */
  appendOnly(table: string): string;
}

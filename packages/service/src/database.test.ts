import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { openDatabase } from "./database.ts";
import { OperatorError } from "./errors.ts";

const SCHEMA = "CREATE TABLE IF NOT EXISTS numbers (value INTEGER) STRICT";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-database-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

test("a second process is refused, until the first one ends, however it ends; what was committed is there", async () => {
  const path = join(directory, "deep", "test.sqlite");
  const program = join(directory, "holder.ts");
  await writeFile(
    program,
    `import { openDatabase } from ${JSON.stringify(new URL("./database.ts", import.meta.url).href)};
     const database = openDatabase(${JSON.stringify(path)}, ${JSON.stringify(SCHEMA)});
     database.exec("INSERT INTO numbers VALUES (7)");
     process.send("open");
     setInterval(() => database.isOpen, 1000);`,
  );
  const holder = fork(program);
  await once(holder, "message");
  expect(() => openDatabase(path, SCHEMA)).toThrow(OperatorError);
  expect(() => openDatabase(path, SCHEMA)).toThrow(/test\.sqlite: another process/);
  const ended = once(holder, "exit");
  holder.kill("SIGKILL");
  await ended;
  const database = openDatabase(path, SCHEMA);
  expect(database.prepare("SELECT value FROM numbers").all()).toEqual([{ value: 7 }]);
  database.close();
});

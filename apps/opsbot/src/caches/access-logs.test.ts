/** Access logs as files: hostile ones, long ones, and none. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { Popularity } from "../core/caches/popularity.ts";
import { readAccessLogs } from "./access-logs.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);
const LINE =
  '::1 - - [22/Nov/2026:12:00:00 +0000] "GET /a.m3u8 HTTP/1.1" 200 6 "-" "x" "hit" "0.2"';

function logOf(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-logs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "access.log");
  writeFileSync(path, text, "latin1");
  return path;
}

async function read(...paths: readonly string[]) {
  const popularity = new Popularity({ nowMs: NOW_MS });
  const logs = await readAccessLogs(paths, popularity, new AbortController().signal);
  return { logs, top: popularity.top(10) };
}

test("what is no line is told with its number, and the rest is read", async () => {
  const path = logOf(
    [LINE, "nonsense", `${LINE}\r`, "x".repeat(200_000), "", '\u0000"\\', LINE, "cut off"].join(
      "\n",
    ),
  );
  const { logs, top } = await read(path);
  expect(top).toEqual([{ path: "/a.m3u8", score: 3 }]);
  expect(logs).toMatchObject({ lines: 7, counted: 3, uncounted: { malformed: 3, too_long: 1 } });
  expect(logs.problems).toEqual([
    `${path}:2: got "nonsense", expected the Combined Log Format`,
    `${path}:4: got a longer line, expected at most 8192 characters`,
    `${path}:6: got "?\\"\\\\", expected the Combined Log Format`,
    `${path}:8: got "cut off", expected the Combined Log Format`,
  ]);
});

test("only the first problems are told, and all are counted", async () => {
  const { logs } = await read(logOf("nonsense\n".repeat(1_000)));
  expect(logs.problems).toHaveLength(10);
  expect(logs.uncounted).toEqual({ malformed: 1_000 });
});

test("a file that is none is a problem, and the others are read", async () => {
  const good = logOf(`${LINE}\n`);
  const { logs, top } = await read("/no/such.log", tmpdir(), good);
  expect(top).toHaveLength(1);
  expect(logs.problems).toEqual([
    expect.stringMatching(/^\/no\/such\.log: ENOENT/),
    `${tmpdir()}: got no file, expected an access log`,
  ]);
});

test("reading ends when nobody waits for it any more", async () => {
  const popularity = new Popularity({ nowMs: NOW_MS });
  const reading = readAccessLogs([logOf(LINE)], popularity, AbortSignal.abort(new Error("gone")));
  await expect(reading).rejects.toThrow("gone");
});

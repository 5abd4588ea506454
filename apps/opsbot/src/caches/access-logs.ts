/** Access logs, read a piece at a time: what was asked for is counted, what is no such line is told with its number. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { OperatorError, messageOf } from "@glassline/service/errors";

import { LINE_MAX_CHARS, readAccessLine } from "../core/caches/access-line.ts";
import type { Popularity } from "../core/caches/popularity.ts";

export interface LogsRead {
  lines: number;
  /** Requests that count. */
  counted: number;
  /** By reason: "malformed", "too_long", and those of Popularity. */
  uncounted: Record<string, number>;
  /** The first ones, for people: "access.log:17: got ..., expected ...". */
  problems: string[];
}

/** Of each file, from its end; so much is read in some seconds. */
const FILE_MAX_BYTES = 268_435_456;
const PIECE_BYTES = 65_536;
const PROBLEMS_MAX = 10;

/** A file that cannot be read is a problem, and the others are read. */
export async function readAccessLogs(
  paths: readonly string[],
  popularity: Popularity,
  signal: AbortSignal,
): Promise<LogsRead> {
  const read: LogsRead = { lines: 0, counted: 0, uncounted: {}, problems: [] };
  for (const path of paths) {
    signal.throwIfAborted();
    try {
      await readLog(path, { popularity, read, signal });
    } catch (error) {
      signal.throwIfAborted();
      addProblem(read, `${path}: ${messageOf(error)}`);
    }
  }
  return read;
}

interface Reading {
  popularity: Popularity;
  read: LogsRead;
  signal: AbortSignal;
}

async function readLog(path: string, { popularity, read, signal }: Reading): Promise<void> {
  const about = await stat(path);
  if (!about.isFile()) throw new OperatorError("got no file, expected an access log");
  const start = Math.max(0, about.size - FILE_MAX_BYTES);
  const place = start === 0 ? `${path}:` : `${path}, in its last ${FILE_MAX_BYTES} bytes, line `;
  const stream = createReadStream(path, {
    start,
    highWaterMark: PIECE_BYTES,
    encoding: "latin1",
    signal,
  });
  let number = 0;
  let rest = "";
  // What is before the first line end is part of a line.
  let isCut = start > 0;
  const take = (line: string, isTooLong: boolean) => {
    number++;
    if (isCut) isCut = false;
    else takeLine(line.replace(/\r$/, ""), isTooLong, `${place}${number}`, popularity, read);
  };
  let isTooLong = false;
  for await (const piece of stream) {
    const lines = (rest + (piece as string)).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      take(line, isTooLong || line.length > LINE_MAX_CHARS);
      isTooLong = false;
    }
    if (rest.length <= LINE_MAX_CHARS) continue;
    isTooLong = true;
    rest = "";
  }
  if (rest !== "" || isTooLong) take(rest, isTooLong);
}

function takeLine(
  line: string,
  isTooLong: boolean,
  place: string,
  popularity: Popularity,
  read: LogsRead,
): void {
  if (line === "" && !isTooLong) return;
  read.lines++;
  if (isTooLong) {
    addProblem(read, `${place}: got a longer line, expected at most ${LINE_MAX_CHARS} characters`);
    return leaveOut(read, "too_long");
  }
  const record = readAccessLine(line);
  if ("problem" in record) {
    addProblem(read, `${place}: ${record.problem}`);
    return leaveOut(read, "malformed");
  }
  const reason = popularity.add(record);
  if (reason === undefined) read.counted++;
  else leaveOut(read, reason);
}

function leaveOut({ uncounted }: LogsRead, reason: string): void {
  uncounted[reason] = (uncounted[reason] ?? 0) + 1;
}

function addProblem({ problems }: LogsRead, problem: string): void {
  if (problems.length < PROBLEMS_MAX) problems.push(problem);
}

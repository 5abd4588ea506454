/** Where lines of a log go: a file, which logrotate may move away, or standard output. */
import { write } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, rename } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { LINE_MAX_BYTES } from "../core/access-line.ts";

export interface LogOutput extends AsyncDisposable {
  /** @param lines without their ends. Rejects when not all of them were written. */
  write(lines: readonly string[]): Promise<void>;
}

/** Not for others to read: it says who watches what. */
const MODE = 0o640;

/** A file that is opened anew at each SIGHUP. @param maxBytes a larger one becomes PATH.1; 0: none does. Throws OperatorError. */
export async function logFile(path: string, logger: Logger, maxBytes = 0): Promise<LogOutput> {
  let file: FileHandle;
  try {
    file = await open(path, "a", MODE);
  } catch (error) {
    throw new OperatorError(`--access-log: ${messageOf(error)}`, { cause: error });
  }
  let isMoved = false;
  const moved = () => {
    isMoved = true;
  };
  const reopen = async () => {
    isMoved = false;
    try {
      const opened = await open(path, "a", MODE);
      await file.close();
      file = opened;
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, "the access log is not opened anew");
    }
  };
  const makeRoom = async () => {
    if ((await file.stat()).size < maxBytes) return;
    await rename(path, `${path}.1`);
    isMoved = true;
  };
  process.on("SIGHUP", moved);
  return {
    write: async (lines) => {
      if (maxBytes > 0) await makeRoom();
      if (isMoved) await reopen();
      await file.appendFile(textOf(lines));
    },
    [Symbol.asyncDispose]: async () => {
      process.off("SIGHUP", moved);
      await file.close();
    },
  };
}

const STANDARD_OUTPUT = 1;
const FULL_RETRY_MS = 10;
const writeTo = promisify(write);

/** Other lines come between these, and never into them. */
export function standardOutput(): LogOutput {
  const writeAll = async (text: string) => {
    const bytes = Buffer.from(text, "latin1");
    for (let at = 0; at < bytes.length;)
      try {
        at += (await writeTo(STANDARD_OUTPUT, bytes, at, bytes.length - at)).bytesWritten;
      } catch (error) {
        if (systemCodeOf(error) !== "EAGAIN") throw error;
        await delay(FULL_RETRY_MS);
      }
  };
  return {
    write: async (lines) => {
      for (const piece of pieces(lines)) await writeAll(piece);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const textOf = (lines: readonly string[]) => `${lines.join("\n")}\n`;

/** What a pipe takes whole. */
function pieces(lines: readonly string[]): string[] {
  const texts: string[] = [];
  let text = "";
  for (const line of lines) {
    if (text.length + line.length + 1 > LINE_MAX_BYTES) {
      texts.push(text);
      text = "";
    }
    text += `${line}\n`;
  }
  return [...texts, text];
}

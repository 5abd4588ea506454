/** Lines for people, and what they answer. */
import { createInterface } from "node:readline/promises";

export interface Terminal {
  tell(line: string): void;
  /** A line that the next one takes the place of; nothing where it is no terminal. */
  show(line: string): void;
  /** Asks; without a terminal nobody agrees. */
  agrees(question: string): Promise<boolean>;
}

const CLEAR_LINE = "\r\u001B[K";

export function processTerminal(): Terminal {
  const { stdout } = process;
  return {
    tell: (line) => void stdout.write(`${stdout.isTTY ? CLEAR_LINE : ""}${line}\n`),
    show: (line) => {
      if (stdout.isTTY) stdout.write(`${CLEAR_LINE}${line.slice(0, stdout.columns - 1)}`);
    },
    agrees: async (question) => {
      if (canAnswer()) return isMeant(question);
      stdout.write(`${question} Nobody can answer here: --yes agrees.\n`);
      return false;
    },
  };
}

/** Whether a person sits at the terminal. */
export const canAnswer = (): boolean => process.stdin.isTTY && process.stdout.isTTY;

/** Asks a person; Ctrl-C and Ctrl-D mean no. @param question "Do it?" */
export async function isMeant(question: string): Promise<boolean> {
  using terminal = createInterface({ input: process.stdin, output: process.stdout });
  const left = new AbortController();
  terminal.once("SIGINT", () => left.abort());
  terminal.once("close", () => left.abort());
  try {
    const said = await terminal.question(`${question} [y/N] `, { signal: left.signal });
    return /^y(es)?$/i.test(said.trim());
  } catch (error) {
    if (!left.signal.aborted) throw error;
    process.stdout.write("\n");
    return false;
  }
}

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
  const { stdin, stdout } = process;
  return {
    tell: (line) => void stdout.write(`${stdout.isTTY ? CLEAR_LINE : ""}${line}\n`),
    show: (line) => {
      if (stdout.isTTY) stdout.write(`${CLEAR_LINE}${line.slice(0, stdout.columns - 1)}`);
    },
    agrees: async (question) => {
      if (!stdin.isTTY) {
        stdout.write(`${question} Nobody can answer here: --yes agrees.\n`);
        return false;
      }
      const lines = createInterface({ input: stdin, output: stdout });
      const answer = await lines.question(`${question} [y/N] `);
      lines.close();
      return /^y(es)?$/i.test(answer.trim());
    },
  };
}

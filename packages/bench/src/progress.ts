/** How far it is, for people: one line that is rewritten on a terminal, plain lines elsewhere. */
const CLEAR_LINE = "\r\u001B[K";

export interface Progress {
  /** What is true now; on a terminal only. */
  tell(line: string): void;
  /** Something to keep. */
  say(line: string): void;
}

export function progressOn(stream: {
  isTTY?: boolean;
  write(text: string): unknown;
}): Progress & Disposable {
  const clear = stream.isTTY ? CLEAR_LINE : "";
  return {
    tell: (line) => void (stream.isTTY && stream.write(clear + line)),
    say: (line) => void stream.write(`${clear}${line}\n`),
    [Symbol.dispose]: () => void stream.write(clear),
  };
}

/** What people say to OpsBot, as commands. Pure. */

export type Command =
  | { kind: "status"; object: string | undefined }
  | { kind: "why"; object: string | undefined }
  | { kind: "flush" | "restart"; edge: string }
  | { kind: "help" }
  | { kind: "unknown"; nearest: string | undefined; text: string };

export const TEXT_MAX_CHARS = 1_000;

/** Each command, how it is said, and what it does. */
export const COMMANDS = [
  { word: "status", usage: "status [NAME]", help: "what is looked at, and what is wrong" },
  {
    word: "why",
    usage: "why [NAME]",
    help: "the story of the newest incident, or of the newest one about NAME",
  },
  { word: "flush", usage: "flush EDGE", help: "forgets all that an edge holds" },
  { word: "restart", usage: "restart EDGE", help: "starts an edge anew" },
  { word: "help", usage: "help", help: "this list" },
] as const;

/** @param known names of what can be talked about; case does not matter in what is said. */
export function parseCommand(text: string, known: readonly string[]): Command {
  const words = text
    .trim()
    .replace(/[?!.]+$/, "")
    .split(/\s+/);
  const [first = "", ...rest] = words;
  const word = first.toLowerCase();
  const unknown = (nearest?: string): Command => ({ kind: "unknown", nearest, text: text.trim() });
  const names = rest.map((each) => known.find((name) => name === each.toLowerCase()) ?? each);
  switch (word) {
    case "help":
      return { kind: "help" };
    case "status":
      return rest.length <= 1 ? { kind: word, object: names[0] } : unknown(`status ${names[0]}`);
    case "why":
      return { kind: word, object: nameIn(names, known) };
    case "flush":
    case "restart":
      return rest.length === 1
        ? { kind: word, edge: names[0]! }
        : unknown(`${word} ${names.find((name) => known.includes(name)) ?? "EDGE"}`);
    default: {
      const near = COMMANDS.find((command) => isNear(word, command.word));
      return unknown(near && [near.word, ...rest].join(" "));
    }
  }
}

/** "why did edge-1 die" is about edge-1, "why edge-9" about edge-9, known or not, and "why did it die" about nothing in particular. */
function nameIn(words: readonly string[], known: readonly string[]): string | undefined {
  return (
    words.find((word) => known.includes(word)) ??
    (words.length === 1 ? words[0] : words.find((word) => /[\d-]/.test(word)))
  );
}

/** At most two letters differ, and fewer than half. */
function isNear(got: string, word: string): boolean {
  return distance(got, word) <= Math.min(2, Math.floor(word.length / 2));
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  if (a.length > 20) return a.length;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...a].entries()) {
    const next = [at + 1];
    for (let to = 0; to < b.length; to++)
      next.push(Math.min(next[to]! + 1, row[to + 1]! + 1, row[to]! + (letter === b[to] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** What people say to OpsBot, as commands. Pure. */

export type Command =
  | { kind: "status" }
  | { kind: "why"; object: string | undefined }
  | { kind: "flush"; edge: string }
  | { kind: "help" }
  | { kind: "unknown"; nearest: string | undefined; text: string };

export const TEXT_MAX_CHARS = 1_000;

/** Each command, how it is said, and what it does. */
export const COMMANDS = [
  { word: "status", usage: "status", help: "what is looked at, and what is wrong" },
  {
    word: "why",
    usage: "why [NAME]",
    help: "the story of the newest incident, or of the newest one about NAME",
  },
  { word: "flush", usage: "flush EDGE", help: "forgets all that an edge holds" },
  { word: "help", usage: "help", help: "this list" },
] as const;

export function parseCommand(text: string): Command {
  const words = text
    .trim()
    .replace(/[?!.]+$/, "")
    .split(/\s+/);
  const [first = "", ...rest] = words;
  const word = first.toLowerCase();
  const unknown = (nearest?: string): Command => ({ kind: "unknown", nearest, text: text.trim() });
  if (word === "status" && rest.length === 0) return { kind: "status" };
  if (word === "help" && rest.length === 0) return { kind: "help" };
  // "why is edge-1 red" and "why edge-1" mean the same.
  if (word === "why")
    return { kind: "why", object: rest.find((each) => !["is", "was", "the"].includes(each)) };
  if (word === "flush")
    return rest.length === 1 ? { kind: "flush", edge: rest[0]! } : unknown("flush EDGE");
  const near = COMMANDS.find((command) => isNear(word, command.word));
  return unknown(near && [near.word, ...rest].join(" "));
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

/** What people say to OpsBot, as commands. Pure. */

export type Command =
  | { kind: "status"; object: string | undefined }
  | { kind: "why"; object: string | undefined }
  | { kind: "flush" | "restart"; edge: string }
  /** Without an end when none is said. */
  | { kind: "pause"; forMs: number | undefined }
  | { kind: "resume" | "stop" | "continue" }
  /** Undefined: it is over. */
  | { kind: "maintain"; edge: string; forMs: number | undefined }
  | { kind: "approve"; incident: number }
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
  {
    word: "pause",
    usage: "pause automation [30m]",
    help: "only what people ask for is done, so long or until it is resumed",
  },
  { word: "resume", usage: "resume automation", help: "ends a pause" },
  {
    word: "maintain",
    usage: "maintain EDGE 30m|end",
    help: "an edge is being worked on: it is left alone",
  },
  { word: "approve", usage: "approve NUMBER", help: "agrees to the next action of an incident" },
  { word: "stop", usage: "stop everything", help: "the kill switch: nothing at all is begun" },
  { word: "continue", usage: "continue", help: "ends the kill switch" },
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
    case "pause":
      return pause(rest) ?? unknown("pause automation 30m");
    case "resume":
      return isAbout("automation", rest) ? { kind: word } : unknown("resume automation");
    case "stop":
      return isAbout("everything", rest) ? { kind: word } : unknown("stop everything");
    case "continue":
      return rest.length === 0 ? { kind: word } : unknown("continue");
    case "maintain":
      return maintain(names) ?? unknown(`maintain ${names[0] ?? "EDGE"} 30m`);
    case "approve": {
      const [number = ""] = rest;
      const isNumber = rest.length === 1 && /^\d{1,15}$/.test(number);
      return isNumber ? { kind: word, incident: Number(number) } : unknown("approve NUMBER");
    }
    default: {
      const near = COMMANDS.find((command) => isNear(word, command.word));
      return unknown(near && [near.word, ...rest].join(" "));
    }
  }
}

function isAbout(what: string, words: readonly string[]): boolean {
  return words.length === 1 && words[0]!.toLowerCase() === what;
}

function pause([what = "", time, ...more]: readonly string[]): Command | undefined {
  const forMs = time === undefined ? undefined : timeIn(time);
  const isWhole = what.toLowerCase() === "automation" && more.length === 0;
  return isWhole && (time === undefined || forMs !== undefined)
    ? { kind: "pause", forMs }
    : undefined;
}

function maintain([edge, time = "", ...more]: readonly string[]): Command | undefined {
  const isOver = time.toLowerCase() === "end";
  const forMs = isOver ? undefined : timeIn(time);
  if (edge === undefined || more.length > 0 || (!isOver && forMs === undefined)) return undefined;
  return { kind: "maintain", edge, forMs };
}

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** "90s", "30m", "2h", "1d", in milliseconds. */
function timeIn(text: string): number | undefined {
  const match = /^(\d{1,4})([smhd])$/.exec(text.toLowerCase());
  return match && Number(match[1]) > 0 ? Number(match[1]) * UNITS[match[2]!]! : undefined;
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

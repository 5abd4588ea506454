/** What can stand in a command beside its own words: names of what there is, times, numbers, paths. Pure. */
import type { Inventory } from "../desk.ts";
import { nearestOf } from "./nearest.ts";

/** What was said in the slots of a command; "" and 0 where it has none. */
export interface Said {
  name: string;
  channel: string;
  /** Of a path: "/live/", without its star. */
  prefix: string;
  ms: number;
  number: number;
}

export interface Known extends Inventory {
  /** What is looked at: edges, and what is no part of the inventory, as "origin" or "cameras". */
  objects: readonly string[];
  /** First words of commands. */
  words: readonly string[];
}

export interface Slot {
  /** For people: "edge". */
  what: string;
  /** Undefined: it is none. */
  read(word: string, known: Known): Partial<Said> | undefined;
  /** What could stand here, for somebody who said something else, or nothing. */
  candidates(word: string | undefined, known: Known): readonly string[];
  /** A line that leads on when there are no candidates. */
  otherwise?: string;
  /** @param word as it is said back. */
  refuses(word: string): string;
}

const CANDIDATES_MAX = 10;
/** Names that are written otherwise cannot be said, and are never offered. */
const SAYABLE = /^[\w][\w./:@-]{0,99}$/;

const sayable = (names: readonly string[]) => [
  ...new Set(names.filter((name) => SAYABLE.test(name))),
];

function nameSlot(
  what: string,
  namesOf: (known: Known) => readonly string[],
  key: "name" | "channel" = "name",
): Slot {
  return {
    what,
    refuses: (word) => `I know no ${what} called "${word}".`,
    read: (word, known) => {
      const name = exact(word, sayable(namesOf(known)));
      return name === undefined ? undefined : { [key]: name };
    },
    candidates: (word, known) => likely(word, sayable(namesOf(known))).slice(0, CANDIDATES_MAX),
  };
}

/** Case does not matter, unless it is what tells two names apart. */
function exact(word: string, names: readonly string[]): string | undefined {
  if (names.includes(word)) return word;
  const alike = names.filter((name) => name.toLowerCase() === word.toLowerCase());
  return alike.length === 1 ? alike[0] : undefined;
}

/** Those that begin so, or the nearest, or all. */
function likely(word: string | undefined, names: readonly string[]): readonly string[] {
  if (word === undefined || word === "") return names;
  const begun = names.filter((name) => name.toLowerCase().startsWith(word.toLowerCase()));
  if (begun.length > 0) return begun;
  const nearest = nearestOf(word, names);
  return nearest === undefined ? names : [nearest];
}

export const EDGE = nameSlot("edge", ({ edges }) => edges);
export const CHANNEL = nameSlot("channel", ({ channels }) => channels, "channel");
export const LINK = nameSlot("link", ({ links }) => links);
export const COLLECTOR = nameSlot("collector", ({ collectors }) => collectors);
export const OVERLAY = nameSlot("overlay", ({ overlays }) => overlays);
export const DEPLOYMENT = nameSlot("deployed channel", ({ deployments }) => deployments);
export const DESCRIPTION = nameSlot("described channel", ({ descriptions }) => descriptions);
/** The same beside another name. */
export const TO_CHANNEL = nameSlot("deployed channel", ({ deployments }) => deployments, "channel");
/** What can be worked on. */
export const TARGET = nameSlot(
  "edge, link, collector, machine or deployed channel",
  ({ edges, links, collectors, machines, deployments }) => [
    ...edges,
    ...links,
    ...collectors,
    ...machines,
    ...deployments,
  ],
);
export const MACHINE = nameSlot("machine", ({ machines }) => machines);
/** What can be asked about. */
export const OBJECT: Slot = {
  ...nameSlot("object", (known) => [
    ...known.objects,
    ...known.edges,
    ...known.channels,
    ...known.links,
    ...known.collectors,
    ...known.overlays,
    ...known.machines,
    ...known.deployments,
  ]),
  refuses: (word) => `I know nothing called "${word}".`,
};
export const WORD = nameSlot("command", ({ words }) => words);

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** "90s", "30m", "2h", "1d". */
export const TIME: Slot = {
  what: "time",
  read: (word) => {
    const [, count, unit] = /^([1-9]\d{0,3})([smhd])$/.exec(word.toLowerCase()) ?? [];
    return unit === undefined ? undefined : { ms: Number(count) * UNITS_MS[unit]! };
  },
  candidates: () => ["30m"],
  refuses: (word) => `"${word}" is no time, as 90s, 30m, 2h or 1d.`,
};

export const NUMBER: Slot = {
  what: "incident's number",
  read: (word) => (/^[1-9]\d{0,14}$/.test(word) ? { number: Number(word) } : undefined),
  candidates: () => [],
  otherwise: "incidents",
  refuses: (word) => `"${word}" is no incident's number.`,
};

/** Whose phone it is, or what it is called. */
export const DEVICE: Slot = {
  what: "device",
  read: (word) => (/^[\w][\w.@+-]{0,63}$/.test(word) ? { name: word } : undefined),
  candidates: () => [],
  refuses: (word) => `"${word}" is no name of a device: letters, digits, ".", "-", "_", "@".`,
};

/** Of a plan's hash: so many digits tell it from others. */
export const HASH: Slot = {
  what: "plan",
  read: (word) => (/^[0-9a-f]{6,64}$/i.test(word) ? { name: word.toLowerCase() } : undefined),
  candidates: () => [],
  refuses: (word) => `"${word}" is no plan: I need the 6 digits at least that I told.`,
};

const isPath = (word: string) => /^\/[\w.~%+/-]{0,200}\*?$/.test(word);

/** "/live/cam-0001/*"; a path without a star is one that others may begin with. */
export const PATH: Slot = {
  what: "path",
  read: (word) => (isPath(word) ? { prefix: word.replace(/\*$/, "") } : undefined),
  candidates: (word) => (word !== undefined && isPath(`/${word}`) ? [`/${word}`] : ["/live/*"]),
  refuses: (word) => `"${word}" is no path, as /live/*.`,
};

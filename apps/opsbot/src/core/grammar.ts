/** What people say to OpsBot, as commands: one grammar for chat, command line and dashboard, bound to the names of what there is. Pure. */
import type { Inventory } from "../desk.ts";
import type { Command, Form } from "./commands.ts";
import { COMMANDS, FIRST_WORDS, firstWord } from "./commands.ts";
import { shortened } from "./echo.ts";
import { nearestOf } from "./nearest.ts";
import type { Known, Said, Slot } from "./slots.ts";
import { OBJECT } from "./slots.ts";

export const TEXT_MAX_CHARS = 1_000;
/** No command has so many words; those behind are not looked at. */
const WORDS_MAX = 12;
const CHOICES_MAX = 10;

const FORMS = COMMANDS.flatMap(({ forms }) => forms);

/** Other words for the first ones: offered, not obeyed. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ["reroute", "re-route"],
  ["failover", "fail over"],
  ["fail-over", "fail over"],
  ["purge", "flush"],
  ["reboot", "restart"],
  ["kill", "stop everything"],
]);

/**
 * Any text is a command, or "unclear" with whole lines that would work. Case does not matter.
 * @param objects what is looked at, beside the inventory.
 */
export function parseCommand(
  text: string,
  inventory: Inventory,
  objects: readonly string[] = [],
): Command {
  if (text.length > TEXT_MAX_CHARS) return { kind: "too_long", chars: text.length };
  const known: Known = { ...inventory, objects, words: FIRST_WORDS };
  const words = wordsOf(text, known);
  const forms = FORMS.filter((form) => firstWord(form) === words[0]?.toLowerCase());
  for (const form of forms) {
    const said = match(form, words, known);
    if (said) return form.means(said);
  }
  return forms.length > 0 ? unfit(forms, words, known) : unheard(text, words, known);
}

function wordsOf(text: string, known: Known): string[] {
  const [first = "", ...rest] = text
    .trim()
    .replace(/[?!.]+$/, "")
    .split(/\s+/, WORDS_MAX);
  return [first, ...(first.toLowerCase() === "why" ? namesAmong(rest, known) : rest)];
}

/** "why did edge-1 die" is about edge-1, "why edge-9" about edge-9, known or not, and "why did it die" about nothing in particular. */
function namesAmong(words: readonly string[], known: Known): readonly string[] {
  if (words.length <= 1) return words;
  const names = words.filter((word) => OBJECT.read(word, known));
  return names.length > 0 ? names : words.filter((word) => /[\d-]/.test(word)).slice(0, 1);
}

const NOTHING: Said = { name: "", channel: "", prefix: "", ms: 0, number: 0 };

/** @returns undefined: it is not said in this form. */
function match({ tokens }: Form, words: readonly string[], known: Known): Said | undefined {
  if (words.length !== tokens.length) return undefined;
  const said = { ...NOTHING };
  for (const [at, token] of tokens.entries()) {
    const word = words[at]!;
    const read = typeof token === "string" ? isWord(word, token) : token.read(word, known);
    if (!read) return undefined;
    Object.assign(said, read);
  }
  return said;
}

function isWord(word: string, token: string): Partial<Said> | undefined {
  return word.toLowerCase() === token ? {} : undefined;
}

/** Begins with a word of ours, and goes on otherwise: the form that fits best tells what would work. */
function unfit(forms: readonly Form[], words: readonly string[], known: Known): Command {
  const fits = forms.map((form) => ({ form, ...fitOf(form, words, known) }));
  const [best] = fits.toSorted((a, b) => b.said - a.said || a.odd - b.odd);
  return complete(best!.form, words, known);
}

/**
 * @property said how many tokens of the form have been said, wherever.
 * @property odd what is too much or too little after that.
 */
function fitOf({ tokens }: Form, words: readonly string[], known: Known) {
  const said = tokens.filter((token) => words.some((word) => isSaid(token, word, known))).length;
  const spare = spareIn(words, tokens, known).length;
  return { said, odd: Math.abs(tokens.length - said - spare) };
}

function spareIn(words: readonly string[], tokens: Form["tokens"], known: Known): string[] {
  return words.filter((word) => !tokens.some((token) => isSaid(token, word, known)));
}

function isSaid(token: string | Slot, word: string, known: Known): boolean {
  return (typeof token === "string" ? isWord(word, token) : token.read(word, known)) !== undefined;
}

/** The form with what was said, and in the first slot that is open, each that could stand there. */
function complete({ tokens }: Form, words: readonly string[], known: Known): Command {
  const rest = words.slice(1);
  const spare = spareIn(rest, tokens, known);
  let lines = [""];
  let asked: { slot: Slot; word: string | undefined } | undefined;
  for (const token of tokens) {
    const said = typeof token === "string" ? [token] : saidIn(token, rest, known);
    const word = said.length === 0 ? spare.shift() : undefined;
    const could = said.length > 0 ? said : (token as Slot).candidates(word, known);
    if (typeof token !== "string" && said.length !== 1) asked ??= { slot: token, word };
    lines = lines.flatMap((line) =>
      could.slice(0, lines.length > 1 ? 1 : CHOICES_MAX).map((next) => `${line} ${next}`.trim()),
    );
  }
  if (!asked) return unclear(`I do not understand "${shortened(words.join(" "))}".`, lines);
  const { slot, word } = asked;
  const ends = lines.length > 0 ? lines : slot.otherwise === undefined ? [] : [slot.otherwise];
  if (ends.length === 0 && word === undefined) return unclear(`I know no ${slot.what}.`, []);
  const isBeginning = word !== undefined && isBegun(slot, word, known);
  if (word === undefined || (isBeginning && ends.length > 1))
    return { kind: "unclear", says: `Which ${slot.what}?${orOf(ends)}`, choices: ends };
  return unclear(slot.refuses(shortened(word)), ends);
}

/** Names that were said, as they are written. */
function saidIn(slot: Slot, words: readonly string[], known: Known): string[] {
  return words.filter((word) => slot.read(word, known)).map((word) => namedBy(slot, word, known));
}

function namedBy(slot: Slot, word: string, known: Known): string {
  const { name, channel } = slot.read(word, known)!;
  return name ?? channel ?? word;
}

function isBegun(slot: Slot, word: string, known: Known): boolean {
  const candidates = slot.candidates(word, known);
  return candidates.every((name) => name.toLowerCase().startsWith(word.toLowerCase()));
}

/** Begins with no word of ours. */
function unheard(text: string, words: readonly string[], known: Known): Command {
  const says = `I do not understand "${shortened(text)}".`;
  const [first = "", ...rest] = words;
  const meant = MEANT.get(first.toLowerCase()) ?? nearestOf(first, FIRST_WORDS);
  if (meant === undefined) return unclear(says, []);
  const line = [meant, ...rest].join(" ");
  const command = parseCommand(line, known, known.objects);
  return unclear(says, command.kind === "unclear" ? command.choices : [line]);
}

function unclear(says: string, choices: readonly string[]): Command {
  if (choices.length === 0)
    return {
      kind: "unclear",
      says: `${says} Say "help" for what I understand.`,
      choices: ["help"],
    };
  const hint = choices.length === 1 ? ` Did you mean "${choices[0]}"?` : orOf(choices);
  return { kind: "unclear", says: `${says}${hint}`, choices };
}

/** Two lines in the sentence; more of them below each other. */
function orOf(lines: readonly string[]): string {
  if (lines.length > 2) return ` You can say:${lines.map((line) => `\n  ${line}`).join("")}`;
  return ` You can say ${lines.map((line) => `"${line}"`).join(" or ")}.`;
}

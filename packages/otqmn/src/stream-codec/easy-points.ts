/** The loop of a reader through which most points go. */
import { CodecError } from "../bytes.ts";
import * as models from "./frequency-model.ts";
import type { PlacedPoints } from "./placement.ts";
import * as scales from "./scale.ts";
import type { SymbolReader } from "./symbol-stream.ts";
import * as coder from "./symbol-stream.ts";
import * as tokens from "./tokens.ts";
import type { ColumnStates } from "./column-states.ts";
import * as modes from "./value-modes.ts";
import type { ContextState } from "./value-state.ts";

// Constants of this module: the compiler knows their values, while those of another are loaded for each point.
const FREQUENCY_BITS = models.FREQUENCY_BITS;
const LOW_12 = models.LOW_12;
const NOVEL = models.NOVEL;
const START_SHIFT = models.START_SHIFT;
const SYMBOL_SHIFT = models.SYMBOL_SHIFT;
const WINDOW_SHIFT = models.WINDOW_SHIFT;
const LEAST_STATE = coder.LEAST_STATE;
const SLOT_MASK = coder.SLOT_MASK;
const DIRECT = tokens.DIRECT;
const WHOLE_MAX = scales.WHOLE_MAX;
const CALM_AFTER = modes.CALM_AFTER;
/** Symbols below are differences that are too small to be looked back for; that of 28 to 31 is -32's too, which is not. */
const EASY_END = DIRECT + 3;

/**
 * The loop that most points go through: it calls nothing, and holds the coder's state in variables. It stops at the first point
 * that needs more: a new symbol, a model that has to be rebuilt, a large difference, an integer; and behind one that needs wider columns.
 * @returns where it stopped; nothing of that point has been read.
 */
export function readEasyPoints(
  symbols: SymbolReader,
  from: number,
  to: number,
  order: Uint32Array,
  { places, floats, areInts }: PlacedPoints,
  context: ContextState,
  mode: number,
  states: ColumnStates,
): number {
  const { last, step, candidate, calm, wholeMax } = states;
  const { multiplier, divisor } = context.scale;
  const active = context.modelOf(0);
  const calming = context.modelOf(1);
  const calmed = context.modelOf(CALM_AFTER);
  const isStep = mode === modes.MODE.step;
  const isPlain = mode === modes.MODE.plain;
  const easyEnd = context.looksBack ? EASY_END : tokens.WIDE;
  const { bits, words } = symbols;
  let { state, at: word } = symbols;
  let at = from;
  for (; at < to; at++) {
    const place = places[at]!;
    const calmness = calm[place]!;
    const model = calmness === 0 ? active : calmness < CALM_AFTER ? calming : calmed;
    const slot = state & SLOT_MASK;
    const all = model.packed;
    let entry = model.windows[slot >>> WINDOW_SHIFT]!;
    let packed = all[entry]!;
    while (slot > ((packed >>> START_SHIFT) & LOW_12) + (packed & LOW_12)) packed = all[++entry]!;
    const symbol = packed >>> SYMBOL_SHIFT;
    const isHard = entry === NOVEL || symbol >= easyEnd || model.untilRebuild === 1;
    if (isHard || areInts[place] !== 0) break;
    state = Math.imul((packed & LOW_12) + 1, state >>> FREQUENCY_BITS) + slot;
    state -= (packed >>> START_SHIFT) & LOW_12;
    if (state < LEAST_STATE) state = (state << 16) | words[word++]!;
    model.counts[entry]!++;
    model.untilRebuild--;
    const folded = symbol < DIRECT ? symbol : tokens.foldedOf(symbol, bits);
    const surprise = (folded >>> 1) ^ -(folded & 1);
    const before = last[place]!;
    const whole = (isPlain ? 0 : isStep ? before + step[place]! : before) + surprise;
    if (whole > wholeMax || whole < -wholeMax) {
      if (whole > WHOLE_MAX || whole < -WHOLE_MAX) throw tooLarge(whole);
      states.follow(place, whole, surprise);
      floats[order[at++]!] = (whole * multiplier) / divisor;
      break;
    }
    const difference = whole - before;
    if (difference === candidate[place]) step[place] = difference;
    else candidate[place] = difference;
    last[place] = whole;
    if (surprise !== 0) calm[place] = 0;
    else if (calmness < CALM_AFTER) calm[place] = calmness + 1;
    floats[order[at]!] = (whole * multiplier) / divisor;
  }
  symbols.state = state;
  symbols.at = word;
  return at;
}

export function tooLarge(whole: number): CodecError {
  return new CodecError(`value: got the whole number ${whole}, expected at most 2^51`);
}

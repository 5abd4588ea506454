/** Words that are nearly others. Pure. */

/** Longer words are no slip of the pen. */
const WORD_MAX_CHARS = 60;

/** The nearest of the words: at most two letters differ, and fewer than half. */
export function nearestOf(got: string, words: readonly string[]): string | undefined {
  if (got.length > WORD_MAX_CHARS) return undefined;
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const word of words) {
    const letters = distance(got.toLowerCase(), word.toLowerCase());
    if (letters <= Math.min(2, Math.floor(word.length / 2)) && letters < least)
      [nearest, least] = [word, letters];
  }
  return nearest;
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...a].entries()) {
    const next = [at + 1];
    for (let to = 0; to < b.length; to++)
      next.push(Math.min(next[to]! + 1, row[to + 1]! + 1, row[to]! + (letter === b[to] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

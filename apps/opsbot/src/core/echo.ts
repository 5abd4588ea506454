/** Text that came from elsewhere, as it is said back: on one line, short, without what a terminal obeys. Pure. */

/** So much of what was said is said back. */
const ECHO_CHARS = 60;

/** Control characters, line ends, and those that turn the direction of writing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

export function oneLine(text: string): string {
  return text.replaceAll(UNSEEN, " ").trim();
}

export function shortened(text: string): string {
  const line = oneLine(text.slice(0, 2 * ECHO_CHARS));
  return line.length > ECHO_CHARS ? `${[...line].slice(0, ECHO_CHARS).join("")}…` : line;
}

/** The words of a benchmark: "--quick", and which of its parts shall run. */

export interface AskedParts<Part extends string> {
  isQuick: boolean;
  /** Those that are named. */
  parts: readonly Part[];
}

/**
 * Undefined: help was asked for, or something else; that has been answered.
 * @param app "edge-cache".
 * @param purpose what is measured, and what that needs.
 * @param otherwise what runs where none is named: all.
 */
export function askedParts<Part extends string>(
  app: string,
  purpose: string,
  all: Readonly<Record<Part, unknown>>,
  otherwise: readonly Part[] = Object.keys(all) as Part[],
): AskedParts<Part> | undefined {
  const names = Object.keys(all);
  const words = process.argv.slice(2);
  if (words.includes("--help")) {
    const usage = `npm run bench -w @glassline/${app} -- [--quick] [${names.join(" ")}]`;
    process.stdout.write(`${purpose}\n\nUsage: ${usage}\n`);
    return undefined;
  }
  const isQuick = words.includes("--quick");
  const named = words.filter((word): word is Part => Object.hasOwn(all, word));
  if (words.length > named.length + (isQuick ? 1 : 0)) {
    const expected = `--quick, ${names.join(", ")} or nothing`;
    process.stderr.write(`got ${words.join(" ")}, expected ${expected}\n`);
    process.exitCode = 64;
    return undefined;
  }
  return { isQuick, parts: named.length > 0 ? named : otherwise };
}

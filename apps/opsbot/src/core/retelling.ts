/** What Icinga accepted and does not show any more, by the keys at the end of comments. Pure. */

/** @param texts of all comments of OpsBot that are shown. @returns in order. */
export function missingFrom<R extends { key: string }>(
  told: readonly R[],
  texts: readonly string[],
): R[] {
  const shown = new Set(texts.flatMap((text) => /[^\s,[\]]+(?=\]$)/.exec(text)?.[0] ?? []));
  return told.filter(({ key }) => !shown.has(key));
}

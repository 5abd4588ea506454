/** Whether caches answered by themselves, as they say in Cache-Status. Pure. Source: RFC 9211. */

const TEXT = /"(?:[^"\\]|\\.)*"/g;

/**
 * @param value of all Cache-Status fields of an answer.
 * @returns true: one of the caches had it, or waited for a question that another request had asked; undefined: no cache says anything.
 */
export function isHit(value: string | undefined): boolean | undefined {
  if (value === undefined || value.trim() === "") return undefined;
  return value
    .replaceAll(TEXT, "cache")
    .split(",")
    .some((cache) => cache.split(";").slice(1).some(isHitParameter));
}

/** Section 2.1, and section 2.5: collapsed with another request. */
function isHitParameter(parameter: string): boolean {
  return /^(?:hit|collapsed)(?:=\?1)?$/.test(parameter.trim());
}

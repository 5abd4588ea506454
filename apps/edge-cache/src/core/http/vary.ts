/** Which of several stored responses a request means (RFC 9111 section 4.1). Pure. */
import type { Fields } from "./fields.ts";

/** By name of the request's field, its normal form; undefined: it was not there. */
export type Selecting = ReadonlyMap<string, string | undefined>;

/** Lists whose order says nothing where weights are equal, and whose letters are all the same. */
const WEIGHTED: ReadonlySet<string> = new Set([
  "accept-encoding",
  "accept-language",
  "accept-charset",
]);

/** What a stored response depends on; the request is the one that it answered. */
export function selectingOf(response: Fields, request: Fields): Selecting {
  const names = new Set(response.tokens("vary").map((name) => name.toLowerCase()));
  return new Map([...names].toSorted().map((name) => [name, normal(name, request)]));
}

/** @param response that was stored with this selection. */
export function selects(selecting: Selecting, request: Fields, response: Fields): boolean {
  for (const [name, value] of selecting)
    if (normal(name, request) !== value && !isBestLanguage(name, request, response)) return false;
  return true;
}

/** A response in the one language that the client likes best is what the origin would choose (RFC 9110 section 12.5.4). */
function isBestLanguage(name: string, request: Fields, response: Fields): boolean {
  if (name !== "accept-language") return false;
  const [best, next] = weighted(name, request);
  if (!best || best.weight === next?.weight) return false;
  return best.token === response.combined("content-language")?.toLowerCase();
}

/** Two selections that stand for the same variant. */
export function isSameSelection(left: Selecting, right: Selecting): boolean {
  return (
    left.size === right.size &&
    [...left].every(([name, value]) => right.has(name) && right.get(name) === value)
  );
}

/** Lines as one list, without white space around its members; lists of weighted names sorted by weight, then by name. */
function normal(name: string, request: Fields): string | undefined {
  const value = request.combined(name);
  if (value === undefined) return undefined;
  if (!WEIGHTED.has(name)) return trimmed(value, ",").join();
  return weighted(name, request)
    .map(({ token, weight }) => `${token};${weight}`)
    .join(",");
}

/** Not by a pattern: one with white space on both sides takes quadratic time. */
const trimmed = (text: string, separator: string): string[] =>
  text.split(separator).map((each) => each.trim());

/** Members of a list by weight, then by name (RFC 9110 section 12.4.2). */
function weighted(name: string, request: Fields): { token: string; weight: number }[] {
  const members = request.tokens(name).map((member) => {
    const [token = "", ...parameters] = trimmed(member.toLowerCase(), ";");
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
    return { token, weight: Number(weight) || 0 };
  });
  return members.toSorted((a, b) => b.weight - a.weight || (a.token < b.token ? -1 : 1));
}

/** How an answer gets into the store: beside what is there, in its place, or not at all. */
import { combined, isWhole } from "./core/http/combine.ts";
import { isAbout } from "./core/http/conditional.ts";
import type { Fields } from "./core/http/fields.ts";
import { isOlder } from "./core/http/newer.ts";
import { isSameSelection, selects } from "./core/http/vary.ts";
import type { Store, StoredResponse } from "./stores/store.ts";

/** @param request that it answers. */
export function keep(store: Store, key: string, request: Fields, made: StoredResponse): void {
  const known = store.get(key).filter((one) => selects(one.selecting, request, one.fields));
  if (known.some((one) => isOutdated(made, one))) return;
  const same = known.find(({ selecting }) => isSameSelection(selecting, made.selecting));
  // A part takes the place of no whole that it may be a part of.
  if (made.part && same && !same.part && isAbout(made.fields, same.fields)) return;
  store.set(key, asWhole(joined(made, same)));
}

/** Whether what comes late was overtaken by another answer to the same. */
export function isOutdated(
  late: Pick<StoredResponse, "moments">,
  known: Pick<StoredResponse, "moments">,
): boolean {
  return (
    late.moments !== undefined &&
    known.moments !== undefined &&
    isOlder(late.moments, known.moments)
  );
}

/** A part beside one that is there: one part, if they are of the same content. */
function joined(made: StoredResponse, same: StoredResponse | undefined): StoredResponse {
  if (!made.part || !same?.part) return made;
  const both = combined(
    { fields: same.fields, body: same.body, range: same.part },
    { fields: made.fields, body: made.body, range: made.part },
  );
  return both ? { ...made, body: both.body, part: both.range } : made;
}

const OF_PART: ReadonlySet<string> = new Set(["content-range", "content-length"]);

/** A part that is the whole is the whole. */
function asWhole(response: StoredResponse): StoredResponse {
  const { part, fields, body } = response;
  if (!part || !isWhole(part)) return response;
  const whole = fields.without(OF_PART).with(["content-length", String(body.length)]);
  return { ...response, status: 200, fields: whole, part: undefined };
}

import fc from "fast-check";
import { expect, test } from "vitest";

import type { NumberedSeries } from "./series-list.ts";
import { SeriesList } from "./series-list.ts";

const number = fc.nat({ max: 300_000 });
const drafts = fc.array(
  fc.record({
    parts: fc.array(fc.oneof(fc.constant(7), number), { minLength: 2, maxLength: 6 }),
    fields: fc.oneof(fc.constant([0]), fc.array(number, { minLength: 1, maxLength: 3 })),
  }),
  { minLength: 1, maxLength: 200 },
);

/** Columns follow one another. */
function seriesOf(each: readonly Omit<NumberedSeries, "firstColumn">[]): NumberedSeries[] {
  let firstColumn = 0;
  return each.map(({ parts, fields }) => {
    const series = { parts, fields, firstColumn };
    firstColumn += fields.length;
    return series;
  });
}

test("a list tells every series as it was given, in whatever order it is asked, while it grows", () => {
  fc.assert(
    fc.property(drafts, fc.array(fc.nat()), fc.nat(), (given, asked, settledAt) => {
      const all = seriesOf(given);
      const list = new SeriesList();
      for (const [at, series] of all.entries()) {
        list.push(series);
        if (at === settledAt % all.length) list.settle();
        const some = (asked[at % Math.max(1, asked.length)] ?? 0) % (at + 1);
        expect(list.at(some)).toEqual(all[some]);
      }
      for (const one of [...asked, ...all.keys()])
        expect(list.at(one % all.length)).toEqual(all[one % all.length]);
      expect([list.length, list.at(all.length), list.at(-1)]).toEqual([
        all.length,
        undefined,
        undefined,
      ]);
    }),
  );
});

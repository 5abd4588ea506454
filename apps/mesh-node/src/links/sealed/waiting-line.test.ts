import fc from "fast-check";
import { expect, test } from "vitest";

import { WaitingLine } from "./waiting-line.ts";

test("a waiting line is what an array is with push and shift", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (turns) => {
      const [line, array] = [new WaitingLine<number>(), [] as number[]];
      for (const [at, comes] of turns.entries()) {
        if (comes) {
          line.push(at);
          array.push(at);
        } else if (array.length > 0) {
          line.leave();
          array.shift();
        }
        expect([line.first, line.length]).toEqual([array[0], array.length]);
      }
      expect([...line]).toEqual(array);
    }),
  );
});

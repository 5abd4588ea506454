import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Share } from "./shares.ts";
import { ShareBook, joined, split } from "./shares.ts";

const SECRET = new Uint8Array(32).fill(7);

/** Each by way of a node of its own. */
const sharesOf = (count: number): Share[] =>
  split(SECRET, count).map((share, index) => ({
    id: "s",
    index,
    count,
    share,
    nodes: [`node-${index}`, `relay-${index}`],
  }));

describe("shares", () => {
  test("are the secret together, and less than all of them are nothing of it", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 2, max: 4 }),
        (secret, count) => {
          const shares = split(secret, count);
          expect(joined(shares)).toEqual(secret);
          for (let missing = 0; missing < count; missing++)
            expect(joined(shares.toSpliced(missing, 1))).not.toEqual(secret);
        },
      ),
    );
  });

  test("are gathered, in any order, and used once", () => {
    const book = new ShareBook();
    for (const share of sharesOf(3).toReversed()) book.add("node-1", share, 0);
    expect(book.take("node-2", "s", 1)).toBe("got 0 of a secret, expected some");
    expect(book.take("node-1", "s", 1)).toEqual(SECRET);
    expect(book.take("node-1", "s", 1)).toBe("got 0 of a secret, expected some");
  });

  test("give nothing when one is missing, came late, or two came by one node", () => {
    const book = new ShareBook();
    const [first, second] = sharesOf(2) as [Share, Share];
    book.add("node-1", first, 0);
    expect(book.take("node-1", "s", 1)).toBe("got 1 of a secret, expected 2");
    book.add("node-1", first, 0);
    book.add("node-1", { ...second, nodes: ["node-0"] }, 0);
    expect(book.take("node-1", "s", 1)).toContain("got two by way of node-0");
    book.add("node-1", first, 0);
    book.add("node-1", second, 59_999);
    expect(book.take("node-1", "s", 60_000)).toBe("got 0 of a secret, expected some");
  });

  test("do not heap up", () => {
    const book = new ShareBook();
    const [first, second] = sharesOf(2) as [Share, Share];
    book.add("node-1", first, 0);
    book.add("node-1", second, 0);
    for (let at = 0; at < 1_000; at++) book.add("stranger", { ...first, id: `${at}` }, 0);
    expect(book.take("node-1", "s", 1)).toBe("got 0 of a secret, expected some");
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";

import { TAG, element, elementsIn, objectIdentifier, setOf, time } from "./der.ts";

test("elements are read as they were written, of any length", () => {
  const contents = fc.array(
    fc.oneof(fc.nat(300), fc.nat(70_000)).map((length) => Buffer.alloc(length, length)),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(contents, (all) => {
      const written = Buffer.concat(all.map((content) => element(TAG.octetString, content)));
      const read = elementsIn(written);
      expect(read.map(({ content }) => content)).toEqual(
        all.map((content) => Buffer.from(content)),
      );
      expect(Buffer.concat(read.map(({ whole }) => whole)).equals(written)).toBe(true);
    }),
  );
});

test("what is no DER is refused, and never read beyond its end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const all = Buffer.from(bytes);
      try {
        const read = elementsIn(all);
        expect(Buffer.concat(read.map(({ whole }) => whole)).equals(all)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});

test.each([
  ["1.2.840.113549.1.7.2", "06092a864886f70d010702"],
  ["2.16.840.1.101.3.4.2.1", "0609608648016503040201"],
])("the object identifier %s is as in its standard", (text, hex) => {
  expect(objectIdentifier(text).toString("hex")).toBe(hex);
});

test("a set is in the order of its bytes", () => {
  const [one, two] = [
    element(TAG.octetString, Buffer.from([2])),
    element(TAG.octetString, Buffer.from([1])),
  ];
  expect(setOf([one, two]).equals(element(TAG.set, two, one))).toBe(true);
});

test("moments have two digits of the year until 2049, four from then on", () => {
  expect(time(Date.UTC(2026, 10, 22, 6, 15, 9)).toString("latin1", 2)).toBe("261122061509Z");
  expect(time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString("latin1", 2)).toBe("491231235959Z");
  expect(time(Date.UTC(2050, 0, 1)).toString("latin1", 2)).toBe("20500101000000Z");
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { PlistDictionary, PlistValue } from "./plist.ts";
import { plistOf } from "./plist.ts";
import { readByPython, readPlist, testWithPython } from "../plist.testing.ts";
import { fitsXml, withoutForbidden } from "./xml.ts";

/** Any text, also with what XML has no room for. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "\u0000",
    "\uD800",
    "a\r\nb",
    "\uFFFF",
    "&#13;",
    "<![CDATA[x]]>",
    " lead and trail ",
  ),
);
const data = fc.uint8Array({ maxLength: 40 }).map((bytes) => ({
  base64: Buffer.from(bytes).toString("base64"),
}));
const { dictionary } = fc.letrec<{ value: PlistValue; dictionary: PlistDictionary }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    anyText,
    fc.maxSafeInteger(),
    fc.boolean(),
    data,
    fc.array(tie("value"), { maxLength: 4 }),
    tie("dictionary"),
  ),
  dictionary: fc.dictionary(
    anyText.map((key) => `k${withoutForbidden(key)}`),
    tie("value"),
    { maxKeys: 5, noNullPrototype: true },
  ),
}));

/** As it is after it was written: without what XML has no room for. */
function kept(value: PlistValue): PlistValue {
  if (typeof value === "string") return withoutForbidden(value);
  if (Array.isArray(value)) return (value as PlistValue[]).map(kept);
  if (typeof value !== "object") return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(
    Object.entries(value as PlistDictionary).map(([key, one]) => [key, kept(one)]),
  );
}

/** `base64` is a key like others for the reader: a dictionary with it alone would be bytes. */
const isPlain = (value: PlistValue): boolean => !JSON.stringify(value).includes('"kbase64"');

describe("a property list", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(dictionary.filter(isPlain), (value) => {
        expect(readPlist(plistOf(value))).toEqual(kept(value));
      }),
    );
  });

  testWithPython()("is read by Python as it was written", { timeout: 60_000 }, () => {
    const values = fc.sample(dictionary.filter(isPlain), 500);
    expect(readByPython(values.map(plistOf))).toEqual(values.map(kept));
  });

  test("has the head that Apple's systems expect", () => {
    expect(plistOf({ a: "<&>" })).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict><key>a</key><string>&lt;&amp;&gt;</string></dict>
</plist>
`);
  });

  test.each([0.5, Number.NaN, 2 ** 53])("has no room for the number %d", (number) => {
    expect(() => plistOf({ number })).toThrow(/expected a whole one/);
  });
});

test.each([
  ["emoji 👩‍👧", true],
  ["a\tb\nc\rd", true],
  ["\u0007", false],
  ["\uD83D", false],
  ["\uFFFE", false],
])("%j fits into XML: %s", (text, does) => {
  expect(fitsXml(text)).toBe(does);
  expect(fitsXml(withoutForbidden(text))).toBe(true);
});

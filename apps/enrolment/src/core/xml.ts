/** Text in XML and HTML. Pure. */

/** Nothing in it has to be escaped: nearly all keys and values. */
const PLAIN = /^[ !#-%(-;=?-~]*$/;

/** What XML 1.0 has no room for, not even escaped: controls, halves of pairs, U+FFFE and U+FFFF (section 2.2). */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** A carriage return that is not written so is read as a line feed (section 2.11). */
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\r": "&#13;",
};

/** Whether a text can be in XML as it is. */
export const fitsXml = (text: string): boolean => text.search(FORBIDDEN) === -1;

/** Without what XML 1.0 has no room for. */
export const withoutForbidden = (text: string): string => text.replaceAll(FORBIDDEN, "");

/** For element content and for attributes in quotes, of XML and HTML. */
export function escapeXml(text: string): string {
  if (PLAIN.test(text)) return text;
  return withoutForbidden(text).replaceAll(/[&<>"'\r]/g, (character) => ESCAPES[character]!);
}

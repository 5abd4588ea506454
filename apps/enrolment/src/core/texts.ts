/** Texts that people write and read: names, titles, descriptions. Pure. */
import { NOT_IN_A_LINE } from "@glassline/proto/enrolment-limits";

import { refuse } from "./refuse.ts";
import { fitsXml } from "./xml.ts";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Of channels and tenants: no dots, which are between the names in a profile's identifier. Throws RpcError. */
export function checkName(what: string, name: string): void {
  if (!NAME.test(name)) refuse(what, name, 'lower-case letters, digits and "-", at most 63');
}

/** One line. Throws RpcError. */
export function checkLine(what: string, text: string, mostChars: number): void {
  checkText(what, text, mostChars);
  if (NOT_IN_A_LINE.test(text)) refuse(what, text, "one line without control characters");
}

/** A line that says something. Throws RpcError. */
export function checkTitle(what: string, text: string, mostChars: number): void {
  if (text.trim() === "") refuse(what, text, "a text");
  checkLine(what, text, mostChars);
}

/** Of several lines. Throws RpcError. */
export function checkText(what: string, text: string, mostChars: number): void {
  if (text.length > mostChars) refuse(what, `${text.length} characters`, `at most ${mostChars}`);
  if (!fitsXml(text)) refuse(what, text, "characters that XML 1.0 has room for");
}

/** ASN.1 in DER: written, and read as far as a certificate's names need it. Pure. Source: ITU-T X.690. */

export const TAG = {
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A constructed element of the context: [0], [1]. */
export const contextTag = (number: number): number => 0xa0 | number;

/** Its length in front (section 8.1.3). */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([headOf(tag, length), ...parts]);
}

/** What is in front of so many bytes of content. */
export function headOf(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.from([tag, 0x80 | digits.length, ...digits]);
}

/** The elements of a set in the order of their bytes (section 11.6). */
export function setOf(elements: readonly Uint8Array[], tag: number = TAG.set): Buffer {
  return element(tag, ...elements.toSorted((one, other) => Buffer.compare(one, other)));
}

/** A small number that is not negative. */
export function integer(value: number): Buffer {
  return element(TAG.integer, Buffer.from([value]));
}

/** "1.2.840.113549.1.7.2" (section 8.19) */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return element(
    TAG.objectIdentifier,
    Buffer.from([40 * first + second, ...rest.flatMap(inBase128)]),
  );
}

function inBase128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    digits.unshift(0x80 | (rest % 128));
  return digits;
}

/** As certificates and signatures write moments: two digits of the year until 2049 (RFC 5280 section 4.1.2.5). */
export function time(unixMs: number): Buffer {
  const [year, rest] = [new Date(unixMs).getUTCFullYear(), digitsOf(unixMs).slice(4)];
  return year < 2050
    ? element(TAG.utcTime, Buffer.from(`${String(year).slice(2)}${rest}Z`))
    : element(TAG.generalizedTime, Buffer.from(`${year}${rest}Z`));
}

/** "20261122061500" */
const digitsOf = (unixMs: number): string =>
  new Date(unixMs).toISOString().slice(0, 19).replaceAll(/\D/g, "");

/** An element that was read: its tag, its content, and both with the length between. */
export interface Element {
  tag: number;
  content: Buffer;
  whole: Buffer;
}

/** The elements that lie one after another in some bytes. Throws RangeError when they are no DER. */
export function elementsIn(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const one = elementAt(bytes, at);
    found.push(one);
    at += one.whole.length;
  }
  return found;
}

function elementAt(bytes: Buffer, at: number): Element {
  const first = bytes[at + 1] ?? 0x80;
  const digits = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || digits > 4) throw notDer(at);
  let length = digits === 0 ? first : 0;
  for (let digit = 0; digit < digits; digit++) length = 256 * length + (bytes[at + 2 + digit] ?? 0);
  const from = at + 2 + digits;
  if (from + length > bytes.length) throw notDer(at);
  return {
    tag: bytes[at]!,
    content: bytes.subarray(from, from + length),
    whole: bytes.subarray(at, from + length),
  };
}

const notDer = (at: number) =>
  new RangeError(`DER: got no length that fits at byte ${at}, expected an element`);

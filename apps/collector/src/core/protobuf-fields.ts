/** Protobuf by hand, where messages of a million points would cost too much. Source: https://protobuf.dev/programming-guides/encoding/ */

const WIRE_TYPE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export const tagOf = (field: number, type: keyof typeof WIRE_TYPE): number =>
  (field << 3) | WIRE_TYPE[type];

/** @param value a whole number below 2^53. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  bytes.push(value);
  return bytes;
}

/** What stands before a field of so many bytes. */
function prefix(field: number, length: number): Uint8Array {
  return Uint8Array.from([...varint(tagOf(field, "bytes")), ...varint(length)]);
}

/** A field of bytes: a message, or a text in UTF-8. */
export function field(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat([prefix(number, lengthOf(parts)), ...parts]);
}

export const textField = (number: number, text: string): Uint8Array =>
  text === "" ? new Uint8Array(0) : field(number, new TextEncoder().encode(text));

export const lengthOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** How many fields stand at the end of a path through messages; a step may name several fields. Throws RangeError. */
export function countFields(message: Uint8Array, path: readonly (readonly number[])[]): number {
  const [step, ...rest] = path;
  let count = 0;
  for (const { number, value } of fieldsOf(message)) {
    if (!step!.includes(number)) continue;
    count += rest.length === 0 ? 1 : countFields(value, rest);
  }
  return count;
}

/** The fields of bytes; those of other types are passed over. */
function* fieldsOf(message: Uint8Array): Generator<{ number: number; value: Uint8Array }> {
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = readVarint(message, cursor);
    const type = tag % 8;
    if (type === WIRE_TYPE.varint) readVarint(message, cursor);
    else {
      const length = type === WIRE_TYPE.bytes ? readVarint(message, cursor) : fixedBytes(type);
      if (cursor.at + length > message.length)
        throw new RangeError("field: ends behind its message");
      const value = message.subarray(cursor.at, (cursor.at += length));
      if (type === WIRE_TYPE.bytes) yield { number: Math.floor(tag / 8), value };
    }
  }
}

function fixedBytes(type: number): number {
  if (type === WIRE_TYPE.fixed64) return 8;
  if (type === WIRE_TYPE.fixed32) return 4;
  throw new RangeError(`wire type: got ${type}, expected 0, 1, 2 or 5`);
}

function readVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let scale = 1; cursor.at < bytes.length; scale *= 0x80) {
    const byte = bytes[cursor.at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  throw new RangeError("varint: ends behind its message");
}

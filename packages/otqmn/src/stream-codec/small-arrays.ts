/**
 * Small arrays that live and go together, as those of a stream do, in memory that they share: by itself each takes some hundred bytes
 * more. They are 0 throughout.
 */

const SHARED_BYTES = 8_192;
/** For any kind of number. */
const ALIGNED = 8;

let memory = new ArrayBuffer(0);
let used = 0;

export function smallUint8Array(length: number): Uint8Array<ArrayBuffer> {
  const at = placeFor(length);
  return new Uint8Array(memory, at, length);
}

export function smallUint16Array(length: number): Uint16Array<ArrayBuffer> {
  const at = placeFor(2 * length);
  return new Uint16Array(memory, at, length);
}

export function smallUint32Array(length: number): Uint32Array<ArrayBuffer> {
  const at = placeFor(4 * length);
  return new Uint32Array(memory, at, length);
}

/** Makes other memory where there is no room left. */
function placeFor(bytes: number): number {
  const aligned = ALIGNED * Math.ceil(bytes / ALIGNED);
  if (used + aligned > memory.byteLength) {
    memory = new ArrayBuffer(Math.max(SHARED_BYTES, aligned));
    used = 0;
  }
  used += aligned;
  return used - aligned;
}

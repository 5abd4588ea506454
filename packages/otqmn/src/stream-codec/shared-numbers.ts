/**
 * Arrays that are not written to any more, once for all streams that have equal ones: gateways with as many cameras of the same kinds
 * number their series alike.
 */

type Numbers = Uint8Array | Uint16Array | Uint32Array;

/** Beyond, those that are known are forgotten; that costs memory only. */
const KNOWN_MAX = 16_384;

const known = new Map<number, WeakRef<Numbers>>();

/** An equal array that others have too, or may have from now on. It must not be written to. */
export function shared<T extends Numbers>(numbers: T): T {
  const hash = hashOf(numbers);
  const other = known.get(hash)?.deref();
  if (other && isEqual(other, numbers)) return other as T;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(hash, new WeakRef(numbers));
  return numbers;
}

/** Source: FNV-1a, https://datatracker.ietf.org/doc/html/draft-eastlake-fnv, by numbers instead of bytes. */
function hashOf(numbers: Numbers): number {
  let hash = 0x811c_9dc5 ^ numbers.length;
  for (let at = 0; at < numbers.length; at++) hash = Math.imul(hash ^ numbers[at]!, 0x0100_0193);
  return hash | 0;
}

function isEqual(left: Numbers, right: Numbers): boolean {
  if (left.constructor !== right.constructor || left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}

/** Keys as 64 bits: two rounds of MurmurHash3's mixing side by side. Pure. */

export interface KeyHash {
  low: number;
  high: number;
}

/** @param seed 32 bits that nobody outside knows: nobody can choose keys that meet. */
export function hashOf(key: string, seed: number): KeyHash {
  let low = seed | 0;
  let high = ~seed;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    low = Math.imul(low ^ code, 0x85eb_ca6b);
    low ^= low >>> 15;
    high = Math.imul(high ^ code, 0xc2b2_ae35);
    high ^= high >>> 13;
  }
  return { low: mixed(low ^ key.length), high: mixed(high + low) };
}

/** Source: MurmurHash3's fmix32, https://github.com/aappleby/smhasher */
function mixed(word: number): number {
  let bits = word;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

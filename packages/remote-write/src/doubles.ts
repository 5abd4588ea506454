/**
 * Doubles by their bits: the stale marker is a NaN among others, and a JavaScript number does not keep the bits of a NaN.
 * Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#samples-and-histogram-samples
 */
export const STALE_BITS = 0x7ff0_0000_0000_0002n;
/** The NaN that is a value, as Prometheus writes it. */
const NAN_BITS = 0x7ff8_0000_0000_0001n;

const view = new DataView(new ArrayBuffer(8));

/** undefined: the stale marker. */
export function doubleOf(bits: bigint): number | undefined {
  if (bits === STALE_BITS) return undefined;
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

export function bitsOf(value: number | undefined): bigint {
  if (value === undefined) return STALE_BITS;
  if (Number.isNaN(value)) return NAN_BITS;
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** A bundle by itself, as the key batch of a stream that ends with it. */
import type { Bundle } from "../sample.ts";
import type { StreamLimits } from "../stream-codec/limits.ts";
import { BundleReader } from "./bundle-reader.ts";
import { BundleWriter } from "./bundle-writer.ts";

/** Throws CodecError for a bundle that is beyond the limits. */
export function encodeBundle(bundle: Bundle, limits?: StreamLimits): Uint8Array {
  return new BundleWriter({ isOnly: true, ...(limits && { limits }) }).encode(bundle);
}

/** Throws CodecError. Memory is bounded by the limits. */
export function decodeBundle(bytes: Uint8Array, limits?: StreamLimits): Bundle {
  return new BundleReader(limits).decode(bytes);
}

import { fromBinary } from "@bufbuild/protobuf";
import { SealError } from "@glassline/otqmn/seal/keys";
import type { StreamResponse } from "@glassline/proto/otqmn";
import { StreamResponseSchema } from "@glassline/proto/otqmn";

/** Throws SealError. */
export function responseOf(bytes: Uint8Array): StreamResponse {
  try {
    return fromBinary(StreamResponseSchema, bytes);
  } catch (error) {
    const got = `message: got ${bytes.length} bytes, expected one of a collector`;
    throw new SealError(got, { cause: error });
  }
}

/** zstd of whole messages: Node's own. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

import { CodecError } from "./bytes.ts";

const LEVEL = 3;

export function squeeze(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
}

/** Throws CodecError, which says `what` the bytes are, also when they would become more than `maxBytes`. */
export function unsqueeze(bytes: Uint8Array, what: string, maxBytes: number): Uint8Array {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new CodecError(`${what}: got bytes that are not zstd of at most ${maxBytes} bytes`, {
      cause: error,
    });
  }
}

/** zstd of whole messages: Node's own. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

import { CodecError } from "./bytes.ts";

const LEVEL = 3;
/** What a decoder should support at least (RFC 8878, section 3.1.1.1.2), and of frames with one segment their content. */
const WINDOW_LOG_MAX = 23;

/** RFC 8878, section 3.1.1. */
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** What Node answers with `info`. */
interface Unsqueezed {
  buffer: Buffer;
  /** Bytes that were taken. */
  engine: { bytesWritten: number };
}

export const isSqueezed = (bytes: Uint8Array): boolean =>
  MAGIC.equals(bytes.subarray(0, MAGIC.length));

export function squeeze(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
}

/** Throws CodecError, which says `what` the bytes are, also when they would become more than `maxBytes`. */
export function unsqueeze(bytes: Uint8Array, what: string, maxBytes: number): Uint8Array {
  try {
    const params = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX };
    const options = { maxOutputLength: maxBytes, params, info: true as const };
    const { buffer, engine } = zstdDecompressSync(bytes, options) as unknown as Unsqueezed;
    if (engine.bytesWritten !== bytes.length) throw new Error("bytes behind the last frame");
    return buffer;
  } catch (error) {
    throw new CodecError(`${what}: got bytes that are not zstd of at most ${maxBytes} bytes`, {
      cause: error,
    });
  }
}

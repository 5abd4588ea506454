/** The body of an OTLP/HTTP request, read and unpacked within its limits. */
import type { Readable, Transform } from "node:stream";
import { constants, createGunzip, createInflate, createZstdDecompress } from "node:zlib";

import type { MemoryHold } from "../core/memory-budget.ts";
import { OtlpRefusal, outOfMemory, tooLarge } from "./otlp-refusal.ts";

const CHUNK_BYTES = 65_536;
/** A zstd frame may ask for a window of up to 128 MiB; levels below --ultra need 8 MiB. RFC 8878 section 3.1.1.1.2. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** By content encoding, RFC 9110 section 8.4.1 and RFC 8878. */
const UNPACKERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ chunkSize: CHUNK_BYTES }),
  deflate: () => createInflate({ chunkSize: CHUNK_BYTES }),
  zstd: () =>
    createZstdDecompress({
      chunkSize: CHUNK_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    }),
};

/** "gzip" of a header `Content-Encoding: GZIP`; undefined: the body is as it is. Throws OtlpRefusal. */
export function contentEncoding(header: string | undefined): string | undefined {
  const encoding = (header ?? "").trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return undefined;
  if (Object.hasOwn(UNPACKERS, encoding)) return encoding;
  throw new OtlpRefusal(
    "content_encoding",
    "invalid_argument",
    `content-encoding: got ${encoding}, expected identity, ${Object.keys(UNPACKERS).join(", ")}`,
    { httpStatus: 415 },
  );
}

/**
 * Reads a body. Its bytes are in the hold before they are kept: those that were announced at once, others as they come.
 * @param contentLength NaN: not told, the body comes in chunks. Throws OtlpRefusal.
 */
export async function readBody(
  source: Readable,
  contentLength: number,
  hold: MemoryHold,
  maxBytes: number,
): Promise<Buffer> {
  if (contentLength > maxBytes) throw tooLarge(`${contentLength} bytes`, maxBytes);
  const announced = Number.isNaN(contentLength) ? 0 : contentLength;
  take(hold, announced);
  try {
    return await collect(source, announced, hold, maxBytes);
  } catch (error) {
    throw error instanceof OtlpRefusal ? error : notReceived(error);
  }
}

/** The sender went away. */
function notReceived(cause: unknown): OtlpRefusal {
  return new OtlpRefusal("not_received", "canceled", "body: got a part of it, expected the rest", {
    cause,
  });
}

/** Takes a content encoding off. Throws OtlpRefusal. */
export async function unpack(
  packed: Buffer,
  encoding: string,
  hold: MemoryHold,
  maxBytes: number,
): Promise<Buffer> {
  const unpacker = UNPACKERS[encoding]!();
  unpacker.end(packed);
  try {
    return await collect(unpacker, 0, hold, maxBytes);
  } catch (error) {
    if (error instanceof OtlpRefusal) throw error;
    throw unpackRefusal(error as Error & { code?: string }, encoding, maxBytes);
  } finally {
    unpacker.destroy();
    hold.shrink(packed.length);
  }
}

function unpackRefusal(
  error: Error & { code?: string },
  encoding: string,
  maxBytes: number,
): OtlpRefusal {
  if (error.code === "ZSTD_error_frameParameter_windowTooLarge")
    return tooLarge(`a zstd window above ${2 ** ZSTD_WINDOW_LOG_MAX} bytes`, maxBytes);
  return new OtlpRefusal(
    "malformed",
    "invalid_argument",
    `body: got bytes that are not ${encoding}: ${error.message}`,
    { cause: error },
  );
}

/** @param held bytes that the hold has already for this body. */
async function collect(
  source: Readable,
  held: number,
  hold: MemoryHold,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(`more than ${maxBytes} bytes`, maxBytes);
    if (length > held) {
      take(hold, length - held);
      held = length;
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
}

/** Throws OtlpRefusal. */
export function take(hold: MemoryHold, bytes: number): void {
  if (!hold.grow(bytes)) throw outOfMemory(hold);
}

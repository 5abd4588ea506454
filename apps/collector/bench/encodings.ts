/** How the bodies of requests are compressed: with the levels that exporters use by default. */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";

export type Encoding = "identity" | "gzip" | "zstd";

export function encodeBody(body: Uint8Array, encoding: Encoding): Uint8Array {
  switch (encoding) {
    case "identity":
      return body;
    case "gzip":
      return gzipSync(body);
    case "zstd":
      return zstdCompressSync(body);
  }
}

export function decodeBody(body: Buffer, encoding: Encoding): Buffer {
  switch (encoding) {
    case "identity":
      return body;
    case "gzip":
      return gunzipSync(body);
    case "zstd":
      return zstdDecompressSync(body);
  }
}

/** How the bodies of requests are compressed: with the levels that exporters use by default. */
import { gzipSync, zstdCompressSync } from "node:zlib";

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

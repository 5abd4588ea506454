import { Readable } from "node:stream";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { MemoryBudget } from "../core/memory-budget.ts";
import { OtlpRefusal } from "./otlp-refusal.ts";
import { readBody, unpack } from "./otlp-body.ts";

const PACKERS = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync } as const;
const ENCODINGS = Object.keys(PACKERS) as (keyof typeof PACKERS)[];
const MEMORY_BYTES = 1_048_576;
const MAX_BYTES = 8_388_608;

describe("a body", () => {
  test("in chunks is refused as soon as it is more than memory has left", async () => {
    const memory = new MemoryBudget(MEMORY_BYTES);
    let given = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) yield ((given++, Buffer.alloc(65_536)));
      })(),
    );
    {
      using hold = memory.hold();
      const body = readBody(endless, Number.NaN, hold, MAX_BYTES);
      await expect(body).rejects.toMatchObject({ reason: "memory", httpStatus: 503 });
      expect(memory.bytes).toBe(MEMORY_BYTES);
    }
    expect(given).toBeLessThan(64);
    expect(memory.bytes).toBe(0);
  });

  test.each(ENCODINGS)("in %s is refused while it is unpacked beyond memory", async (encoding) => {
    const memory = new MemoryBudget(MEMORY_BYTES);
    const packed = PACKERS[encoding](Buffer.alloc(8_000_000));
    using hold = memory.hold();
    const body = unpack(packed, encoding, hold, MAX_BYTES);
    await expect(body).rejects.toMatchObject({ reason: "memory", httpStatus: 503 });
    expect(memory.bytes).toBeLessThanOrEqual(MEMORY_BYTES);
  });

  test("in zstd that asks for a large window is refused", async () => {
    using hold = new MemoryBudget(64 * MEMORY_BYTES).hold();
    // RFC 8878 section 3.1.1: the magic number, a header with a window of 2^27 bytes, an empty last block.
    const large = Buffer.from("28b52ffd0088010000", "hex");
    await expect(unpack(large, "zstd", hold, MAX_BYTES)).rejects.toMatchObject({ httpStatus: 413 });
  });

  test("that is broken in any way is refused, or unpacked, and holds what it has", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ENCODINGS),
        bytes,
        bytes,
        fc.nat(100),
        async (encoding, content, garbage, at) => {
          const memory = new MemoryBudget(MEMORY_BYTES);
          using hold = memory.hold();
          const whole = PACKERS[encoding](content);
          const broken = Buffer.concat([whole.subarray(0, at), garbage]);
          const result = await unpack(broken, encoding, hold, MAX_BYTES).catch(
            (error: unknown) => error,
          );
          if (result instanceof OtlpRefusal && encoding === "zstd" && mayAskForTooMuch(broken))
            expect(["malformed", "too_large"]).toContain(result.reason);
          else if (result instanceof OtlpRefusal) expect(result.reason).toBe("malformed");
          else expect(hold.bytes).toBeLessThanOrEqual((result as Buffer).length);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Whether the header of a zstd frame, if it is whole, may ask for a window above 8 MiB. Source: RFC 8878, section 3.1.1.1. */
function mayAskForTooMuch(frame: Buffer): boolean {
  const [descriptor = 0, windowDescriptor = 0] = frame.subarray(4, 6);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const base = 2 ** (10 + (windowDescriptor >> 3));
  return isSingleSegment || base + (base / 8) * (windowDescriptor & 7) > 8_388_608;
}

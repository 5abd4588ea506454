/** A failing input made smaller, as long as it fails the same way. */
import type { Input } from "./corpus-file.ts";

const TRIES_MAX = 3_000;

export function reduced(input: Input, fails: (input: Input) => boolean): Input {
  let best = input;
  let tries = 0;
  const isBetter = (batches: readonly Uint8Array[]): boolean => {
    if (tries++ >= TRIES_MAX || !fails({ ...input, batches })) return false;
    best = { ...input, batches };
    return true;
  };
  for (let at = best.batches.length - 1; at >= 0 && best.batches.length > 1; at--)
    isBetter(best.batches.toSpliced(at, 1));
  for (let batch = 0; batch < best.batches.length; batch++) shorten(() => best, batch, isBetter);
  return best;
}

/** Leaves out ranges of one batch, large ones first. */
function shorten(
  best: () => Input,
  batch: number,
  isBetter: (batches: readonly Uint8Array[]) => boolean,
): void {
  for (let size = best().batches[batch]!.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= best().batches[batch]!.length;) {
      const bytes = best().batches[batch]!;
      const shorter = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + size));
      if (!isBetter(best().batches.with(batch, shorter))) at += size;
    }
  }
}

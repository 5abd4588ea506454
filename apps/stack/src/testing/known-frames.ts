/** Frames that a program can tell apart: which moment of a loop an image is from. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { BLOCK, CARD } from "@glassline/origin/test-card";

import { FFMPEG } from "./requirements.ts";
import type { GrayImage } from "./shown-frame.ts";

const BLACK_MAX = 80;
const WHITE_MIN = 175;
const OUTPUT_MAX_BYTES = 268_435_456;

/** When in its loop a frame of the test card is, in ms. Fails when its blocks cannot be read. */
export function cardMomentMs({ width, height, pixels }: GrayImage): number {
  const scale = width / CARD.width;
  const row = Math.floor((BLOCK.top + BLOCK.height / 2) * scale);
  if (height !== CARD.height * scale)
    throw new Error(`a card of ${width}x${height}: another shape`);
  let number = 0;
  for (let bit = 0; bit < BLOCK.bits; bit++) {
    const column = Math.floor((BLOCK.left + (bit + 0.5) * BLOCK.width) * scale);
    const value = pixels[row * width + column]!;
    if (value > BLACK_MAX && value < WHITE_MIN)
      throw new Error(`bit ${bit} of the frame's number: got ${value}, expected black or white`);
    if (value >= WHITE_MIN) number += 2 ** bit;
  }
  return (number * 1_000) / CARD.framesPerSecond;
}

/** All frames of a recording in order, scaled. */
export async function framesOf(
  path: string,
  { width, height }: { width: number; height: number },
): Promise<Uint8Array[]> {
  const words = ["-loglevel", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough"];
  const scale = `scale=${width}:${height}:flags=area`;
  const { stdout } = await promisify(execFile)(
    FFMPEG,
    [...words, "-vf", scale, "-f", "rawvideo", "-pix_fmt", "gray", "-"],
    { encoding: "buffer", maxBuffer: OUTPUT_MAX_BYTES },
  );
  const bytes = width * height;
  return Array.from({ length: stdout.length / bytes }, (_, at) =>
    stdout.subarray(at * bytes, (at + 1) * bytes),
  );
}

/** Number of the frame that differs least from an image. */
export function mostAlikeFrame(frames: readonly Uint8Array[], { pixels }: GrayImage): number {
  const differences = frames.map((frame) => sumOfDifferences(frame, pixels));
  return differences.indexOf(Math.min(...differences));
}

function sumOfDifferences(left: Uint8Array, right: Uint8Array): number {
  return left.reduce((sum, value, at) => sum + Math.abs(value - right[at]!), 0);
}

/** How far behind a moment of a loop another one is, the shorter way round: negative where it is before it. */
export function loopDifferenceMs(lengthMs: number, fromMs: number, toMs: number): number {
  const behindMs = toMs - fromMs;
  return behindMs - lengthMs * Math.round(behindMs / lengthMs);
}

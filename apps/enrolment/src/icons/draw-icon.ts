/** The icon of a channel that brings none: a triangle that plays, on a colour that follows from its name. */
import { hash } from "node:crypto";

import type { Colour } from "./png.ts";
import { pngOf } from "./png.ts";

/** What home screens of iPhones show, at three pixels a point. */
const SIZE = 180;
/** Points in a pixel, each way: edges look smooth. */
const SAMPLES = 3;
/** Lighter at the top than at the bottom by so much. */
const FADE = 0.35;
const TRIANGLE = { left: 0.36, right: 0.72, middle: 0.5, half: 0.21 } as const;

export function drawIcon(name: string): Buffer {
  const hue = hash("sha256", name, "buffer").readUInt16BE(0) / 65_536;
  return pngOf(SIZE, SIZE, (x, y) => {
    const white = coverage(x, y);
    const ground = colourOf(hue, 0.62 - FADE * (y / SIZE) * 0.6);
    return ground.map((part) => Math.round(part + (255 - part) * white)) as unknown as Colour;
  });
}

/** Which share of a pixel is in the triangle. */
function coverage(x: number, y: number): number {
  let inside = 0;
  for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
    const across = (x + ((sample % SAMPLES) + 0.5) / SAMPLES) / SIZE;
    const down = (y + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) / SIZE;
    if (isInTriangle(across, down)) inside++;
  }
  return inside / (SAMPLES * SAMPLES);
}

function isInTriangle(across: number, down: number): boolean {
  const { left, right, middle, half } = TRIANGLE;
  const wide = half * (1 - (across - left) / (right - left));
  return across >= left && across <= right && Math.abs(down - middle) <= wide;
}

/** Source: https://en.wikipedia.org/wiki/HSL_and_HSV#HSL_to_RGB_alternative */
function colourOf(hue: number, lightness: number): Colour {
  const reach = 0.65 * Math.min(lightness, 1 - lightness);
  const part = (offset: number) => {
    const k = (offset + hue * 12) % 12;
    return 255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [part(0), part(8), part(4)];
}

import decodeQR from "qr/decode.js";
import { expect, test } from "vitest";

import { newPageSecret } from "./links.ts";
import { qrOf } from "./qr.ts";

/** Pixels of a module, each way. */
const SCALE = 4;
const URL_OF_LINK = `https://watch.harbour.example/enrol/${newPageSecret()}`;

/** What a reader sees, and reads. @param rows of modules, true: dark. */
function read(rows: readonly (readonly boolean[])[]): string {
  const [height, width] = [rows.length * SCALE, rows[0]!.length * SCALE];
  const data = new Uint8Array(height * width * 4).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (rows[Math.floor(y / SCALE)]![Math.floor(x / SCALE)])
        data.fill(0, 4 * (y * width + x), 4 * (y * width + x) + 3);
  return decodeQR({ height, width, data });
}

test("lines of a terminal are read as what they stand for, light on dark", () => {
  const rows = qrOf(URL_OF_LINK)
    .qrText.split("\n")
    .flatMap((line) => {
      const characters = [...line];
      return [
        characters.map((one) => one === " " || one === "▄"),
        characters.map((one) => one === " " || one === "▀"),
      ];
    });
  // The last line may have a row below the code.
  expect(read(rows.slice(0, rows[0]!.length))).toBe(URL_OF_LINK);
});

test("the picture is read as what it stands for, and has its own ground", () => {
  const { qrSvg } = qrOf(URL_OF_LINK);
  const size = Number(/^<svg viewBox="0 0 (\d+) \1" /.exec(qrSvg)![1]);
  expect(qrSvg).toContain(`<rect width="100%" height="100%" fill="#fff"/><path fill="#000" d="`);
  const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  let [x, y] = [0, 0];
  for (const [, kind, across, down] of qrSvg.matchAll(/([Mm])(-?\d+)[ ,]?(-?\d+)h1v1/g)) {
    const isRelative = kind === "m";
    x = Number(across) + (isRelative ? x : 0);
    y = Number(down) + (isRelative ? y : 0);
    rows[y]![x] = true;
  }
  expect(read(rows)).toBe(URL_OF_LINK);
});

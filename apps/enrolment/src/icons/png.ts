/** Pictures as PNG: eight bits a colour, no transparency. Source: https://www.w3.org/TR/png-3/ */
import { crc32, deflateSync } from "node:zlib";

import { PNG_SIGNATURE } from "../core/png-size.ts";

const BIT_DEPTH = 8;
const TRUECOLOUR = 2;
const BYTES_A_PIXEL = 3;
/** Each byte as the difference to that of the pixel above, section 9.2. */
const FILTER_UP = 2;

export type Colour = readonly [red: number, green: number, blue: number];

/** @param at the colour of a pixel, each part 0 to 255. */
export function pngOf(width: number, height: number, at: (x: number, y: number) => Colour): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([BIT_DEPTH, TRUECOLOUR, 0, 0, 0], 8);
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rowsOf(width, height, at), { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function rowsOf(width: number, height: number, at: (x: number, y: number) => Colour): Buffer {
  const length = width * BYTES_A_PIXEL;
  const rows = Buffer.alloc(height * (length + 1));
  let above = Buffer.alloc(length);
  for (let y = 0; y < height; y++) {
    const row = Buffer.alloc(length);
    for (let x = 0; x < width; x++) row.set(at(x, y), x * BYTES_A_PIXEL);
    const from = y * (length + 1);
    rows[from] = FILTER_UP;
    for (let byte = 0; byte < length; byte++)
      rows[from + 1 + byte] = (row[byte]! - above[byte]!) & 0xff;
    above = row;
  }
  return rows;
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

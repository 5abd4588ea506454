/**
 * Makes the test card in two sizes with ffmpeg: `npm run test-card -w @glassline/origin`. A minute of colour bars with a running clock, and
 * the number of each frame as black and white blocks that a program can read. A loop begins at each full minute, so the
 * clock shows the seconds of the time of day at which a frame was "captured". Needs ffmpeg with libx264, and DejaVu fonts.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { BLOCK, CARD } from "./layout.ts";

const FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf";
/** The same frames in each. */
const QUALITIES = [
  { file: "test-card.mp4", scale: [], crf: 30 },
  { file: "test-card-180p.mp4", scale: ["scale=320:180:flags=area"], crf: 38 },
];

const { width, height, framesPerSecond, seconds, keyframeSeconds } = CARD;

const text = (words: string, size: number, y: string, more = "") =>
  `drawtext=fontfile=${FONT}:text='${words}':fontsize=${size}:fontcolor=white:x=(w-text_w)/2:y=${y}${more}`;
const box = (x: number, y: number, w: number, h: number, color: string, more = "") =>
  `drawbox=x=${x}:y=${y}:w=${w}:h=${h}:color=${color}:t=fill${more}`;

/** Bit `at` of the frame's number; white: one. */
const block = (_: unknown, at: number) =>
  box(
    BLOCK.left + at * BLOCK.width,
    BLOCK.top,
    BLOCK.width,
    BLOCK.height,
    "white",
    `:enable='mod(floor(n/${2 ** at})\\,2)'`,
  );

const plate = { x: 120, y: 92, w: width - 240, h: 176 };
const filters = [
  box(plate.x, plate.y, plate.w, plate.h, "0x101418"),
  text("GLASSLINE TEST CARD", 26, `${plate.y + 20}`),
  // Seconds and frames: the second's own digits, then the frame within it.
  text(
    `%{eif\\:floor(t+0.0001)\\:d\\:2}.%{eif\\:mod(n\\,${framesPerSecond})\\:d\\:2}`,
    72,
    `${plate.y + 58}`,
  ),
  text("seconds.frames - not a camera", 18, `${plate.y + 140}`),
  box(BLOCK.left - 8, BLOCK.top - 8, BLOCK.bits * BLOCK.width + 16, BLOCK.height + 16, "black"),
  ...Array.from({ length: BLOCK.bits }, block),
];

const bars = `smptehdbars=size=${width}x${height}:rate=${framesPerSecond}:duration=${seconds}`;
const hand = `color=white:size=6x12:rate=${framesPerSecond}:duration=${seconds}`;
for (const { file, scale, crf } of QUALITIES) {
  // The hand crosses the picture once in a loop.
  const overlay = [`[card][1:v]overlay=x='t/${seconds}*(W-w)':y=H-h-2`, ...scale, "format=yuv420p"];
  const keyframeEvery = `${keyframeSeconds * framesPerSecond}`;
  const words = [
    ["-hide_banner", "-loglevel", "error", "-y"],
    ["-f", "lavfi", "-i", bars, "-f", "lavfi", "-i", hand],
    ["-filter_complex", `[0:v]${filters.join(",")}[card];${overlay.join(",")}`],
    ["-c:v", "libx264", "-profile:v", "main", "-preset", "veryslow", "-crf", `${crf}`, "-bf", "0"],
    ["-g", keyframeEvery, "-keyint_min", keyframeEvery, "-sc_threshold", "0"],
    ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart"],
    [fileURLToPath(new URL(file, import.meta.url))],
  ].flat();
  execFileSync("ffmpeg", words, { stdio: "inherit" });
}

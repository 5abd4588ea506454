import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { passAt, passStartMs } from "./loop.ts";
import { cameraIdsOf, readMp4 } from "./mp4.ts";

const box = (type: string, length = 8) => {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32BE(length, 0);
  bytes.write(type, 4, "latin1");
  return bytes;
};

async function fileOf(...parts: Buffer[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-mp4-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "clip.mp4");
  await writeFile(path, Buffer.concat(parts));
  return path;
}

describe("a recording", () => {
  test("is read whole", async () => {
    const path = await fileOf(box("ftyp", 16), box("moov"), box("mdat", 100));
    expect((await readMp4(path)).length).toBe(124);
  });

  test.each([
    ["empty", [], /it is empty/],
    ["a picture", [Buffer.from("\x89PNG and so on, long enough")], /where an MP4 says what it is/],
    ["torn", [box("ftyp"), box("moov", 60).subarray(0, 30)], /cut off/],
    ["without a moov box", [box("ftyp"), box("mdat")], /no moov box/],
  ])("that is %s is refused by name", async (_what, parts, reason) => {
    const path = await fileOf(...parts);
    await expect(readMp4(path)).rejects.toThrow(reason);
    await expect(readMp4(path)).rejects.toThrow(path);
  });

  test("that is not there is refused by name", async () => {
    await expect(readMp4("/no/such.mp4")).rejects.toThrow(/no\/such.mp4: no such file/);
    await expect(readMp4(tmpdir())).rejects.toThrow(/it is a folder/);
  });

  test("gives its camera a name, and equal names are told apart", () => {
    expect(cameraIdsOf(["/clips/My Clip (2).MP4", "/clips/???.mp4"])).toEqual([
      "my-clip-2",
      "recording",
    ]);
    expect(cameraIdsOf(["a/clip.mp4", "b/clip.mp4", "other.mp4", "c/clip.mp4"])).toEqual([
      "clip",
      "clip-2",
      "other",
      "clip-3",
    ]);
  });
});

test("passes of a loop begin at multiples of its length since 1970", () => {
  const lengthMs = 12_078.733_3;
  const pass = passAt(lengthMs, 1_790_000_000_000);
  expect(passStartMs(lengthMs, pass)).toBeLessThanOrEqual(1_790_000_000_000);
  expect(passStartMs(lengthMs, pass + 1)).toBeGreaterThan(1_790_000_000_000);
});

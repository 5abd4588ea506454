/** The real recording, cut into parts; ffprobe says whether they are what they should be. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { hasLegalParts } from "../core/cut-plan.ts";
import { partTargetMs } from "../core/loop-timeline.ts";
import { cutLike, cutPicture } from "./cutter.ts";

const RECORDING = resolve(process.env["GLASSLINE_DATA"] ?? "../shared/data", "gopro-karma.mp4");
const FFPROBE = process.env["FFPROBE"] ?? "/usr/bin/ffprobe";
const LENGTHS = { segmentMs: 2_000, partMs: 500 };

interface Packet {
  codec_type: string;
  pts_time: string;
  flags: string;
}

async function packetsOf(file: Buffer): Promise<Packet[]> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-cutter-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, "piece.mp4");
  await writeFile(path, file);
  const words = ["-v", "error", "-show_packets", "-of", "json", path];
  const { packets } = JSON.parse(execFileSync(FFPROBE, words, { encoding: "utf8" })) as {
    packets: Packet[];
  };
  return packets;
}

/** Types of the boxes of a piece. */
function boxesOf(bytes: Buffer): string[] {
  const types: string[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at))
    types.push(bytes.toString("latin1", at + 4, at + 8));
  return types;
}

describe.skipIf(!existsSync(RECORDING))("the parts of a real recording", () => {
  const cut = async () => cutPicture(await readFile(RECORDING), RECORDING, LENGTHS);

  test("make up the segments byte for byte, each with boxes of its own", async () => {
    const picture = await cut();
    expect(hasLegalParts(picture)).toBe(true);
    for (const { bytes, parts } of picture.segments) {
      expect(Buffer.concat(parts.map((part) => part.bytes))).toEqual(bytes);
      for (const part of parts) {
        expect(boxesOf(part.bytes)).toEqual(["moof", "mdat", "moof", "mdat"]);
        expect(part.durationMs).toBeLessThanOrEqual(partTargetMs(picture));
      }
    }
  });

  test("are the segments of a channel without parts, in more boxes", async () => {
    const [withParts, without] = [
      await cut(),
      cutPicture(await readFile(RECORDING), RECORDING, { ...LENGTHS, partMs: 0 }),
    ];
    expect(without.segments.map(({ durationMs }) => durationMs)).toEqual(
      withParts.segments.map(({ durationMs }) => durationMs),
    );
    expect(without.digest).not.toBe(withParts.digest);
  });

  test("align with themselves", async () => {
    const picture = await cut();
    const again = cutLike(await readFile(RECORDING), RECORDING, picture);
    expect(again.segments).toEqual(picture.segments);
  });

  test.skipIf(!existsSync(FFPROBE))(
    "are read by ffprobe, each behind the initialization section alone; no frame is lost",
    async () => {
      const { init, segments } = await cut();
      const parts = segments.flatMap((segment) => segment.parts);
      let [pictures, sounds] = [0, 0];
      for (const part of parts) {
        const packets = await packetsOf(Buffer.concat([init, part.bytes]));
        const ofPicture = packets.filter(({ codec_type }) => codec_type === "video");
        expect(ofPicture[0]!.flags.startsWith("K")).toBe(part.independent);
        pictures += ofPicture.length;
        sounds += packets.length - ofPicture.length;
      }
      const whole = await packetsOf(
        Buffer.concat([init, ...segments.map((segment) => segment.bytes)]),
      );
      const recorded = await packetsOf(await readFile(RECORDING));
      const count = (packets: readonly Packet[], type: string) =>
        packets.filter(({ codec_type }) => codec_type === type).length;
      expect(pictures).toBe(count(recorded, "video"));
      expect([pictures, sounds]).toEqual([count(whole, "video"), count(whole, "audio")]);
    },
    90_000,
  );
});

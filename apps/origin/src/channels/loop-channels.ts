/** The channels that are made of files: one a camera, under its name, and the test card. */
import { fileURLToPath } from "node:url";

import { cameraIdsOf, readMp4 } from "@glassline/mp4";
import { OperatorError } from "@glassline/service/errors";

import type { OriginConfig } from "../config.ts";
import type { WantedLengths } from "../core/cut-plan.ts";
import type { CutPicture } from "../media/cutter.ts";
import { cutLike, cutPicture } from "../media/cutter.ts";
import type { Channel } from "./channel.ts";
import { CHANNEL_NAME } from "./channels.ts";
import { loopChannel } from "./loop-channel.ts";

const TEST_CARD = ["test-card.mp4", "test-card-180p.mp4"].map((name) =>
  fileURLToPath(new URL(`../../test-card/${name}`, import.meta.url)),
);

/** Fails with OperatorError. */
export async function loopChannels(
  { camera, testCard, segment, part }: OriginConfig,
  startedMs: number,
): Promise<Channel[]> {
  if (part > segment)
    throw new OperatorError(
      `--part: got ${part}ms, expected at most ${segment}ms, the length of a segment (--segment), or 0.`,
    );
  const names = cameraIdsOf(camera);
  const cameras = camera.map(({ paths }, at) => ({ name: names[at]!, paths }));
  if (testCard !== "") cameras.push({ name: testCard, paths: TEST_CARD });
  checkNames(cameras);
  return Promise.all(
    cameras.map(async ({ name, paths }) => {
      const pictures = await cutAll(paths, { segmentMs: segment, partMs: part });
      return loopChannel({ name, cameraId: name, pictures, startedMs });
    }),
  );
}

function checkNames(cameras: readonly { name: string; paths: readonly string[] }[]): void {
  for (const [at, { name, paths }] of cameras.entries()) {
    if (!CHANNEL_NAME.test(name))
      throw new OperatorError(
        `channel ${JSON.stringify(name)} (${paths[0]}): expected lower-case letters, digits, "-" and "_", at most 63.`,
      );
    const other = cameras.slice(0, at).find((before) => before.name === name);
    if (other)
      throw new OperatorError(
        `channel ${name}: got it for both ${other.paths[0]} and ${paths[0]}, expected different names (--camera, --test-card).`,
      );
  }
}

/** All are cut as the first. */
async function cutAll(paths: readonly string[], lengths: WantedLengths): Promise<CutPicture[]> {
  const pictures: CutPicture[] = [];
  for (const path of paths) {
    const bytes = await readMp4(path);
    const [first] = pictures;
    pictures.push(first ? cutLike(bytes, path, first) : cutPicture(bytes, path, lengths));
  }
  return pictures;
}

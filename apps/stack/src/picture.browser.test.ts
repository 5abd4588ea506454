/** The picture in a real browser: what is seen was captured at the moment that the page tells. */
import { readRecording } from "@glassline/camera/recording";
import { cameraIdsOf } from "@glassline/mp4";
import { passAt, passStartMs } from "@glassline/mp4/loop";
import { CARD } from "@glassline/origin/test-card";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";

import { buildPage } from "./page.ts";
import { chartsFollow, openBrowser, plays } from "./testing/camera-page.ts";
import {
  cardMomentMs,
  framesOf,
  loopDifferenceMs,
  mostAlikeFrame,
} from "./testing/known-frames.ts";
import type { ProcessStack } from "./testing/processes.ts";
import { startProcesses } from "./testing/processes.ts";
import { RECORDING, has, testWith } from "./testing/requirements.ts";
import { shownFrames } from "./testing/shown-frame.ts";
import { eventually } from "./testing/testbed.ts";

const AGREE_MS = 100;
const SAMPLES = 10;
/** Large enough for the card's blocks, and for one frame of a recording to differ from the next. */
const CARD_SIZE = { width: CARD.width / 4, height: CARD.height / 4 };
const RECORDING_SIZE = { width: 64, height: 36 };

describe(
  "what is seen was captured at the moment that the page tells",
  { timeout: 120_000 },
  () => {
    let stack: ProcessStack;
    let browser: Browser;
    let page: Page;

    beforeAll(async () => {
      await buildPage();
      stack = await startProcesses({ cameras: 1, ...(has("recording") && { camera: RECORDING }) });
      browser = await openBrowser();
      page = await browser.newPage();
    }, 120_000);
    afterAll(async () => {
      await browser?.close();
      await stack?.[Symbol.asyncDispose]();
    });

    const show = async (cameraId: string) => {
      await page.goto(new URL(`/cameras/${cameraId}`, stack.plan.url).href);
      await plays(page, `the picture of ${cameraId} plays`);
    };
    /** How far into its pass of the loop a moment is. */
    const inLoopMs = (lengthMs: number, timeMs: number) =>
      timeMs - passStartMs(lengthMs, passAt(lengthMs, timeMs));
    const expectAgreement = (differencesMs: readonly number[]) => {
      const greatestMs = Math.max(...differencesMs.map(Math.abs));
      expect(greatestMs, `ms: ${differencesMs.join(" ")}`).toBeLessThanOrEqual(AGREE_MS);
    };

    testWith("chromium")("on the test card, whose frames bear their number", async () => {
      const lengthMs = CARD.seconds * 1_000;
      await show("cam-0001");
      const frames = await shownFrames(page, { ...CARD_SIZE, count: SAMPLES, apartMs: 500 });
      const differencesMs = frames.map(({ image, momentMs }) =>
        loopDifferenceMs(lengthMs, inLoopMs(lengthMs, momentMs), cardMomentMs(image)),
      );
      expectAgreement(differencesMs);
    });

    testWith("chromium")("part by part, each as soon as it is there", async () => {
      const answers: { url: URL; status: number }[] = [];
      page.on("response", (response) =>
        answers.push({ url: new URL(response.url()), status: response.status() }),
      );
      await show("cam-0001");
      const of = (pattern: RegExp) => answers.filter(({ url }) => pattern.test(url.href));
      await eventually("the player waits at the edge for playlists, and gets parts", () =>
        of(/_HLS_part=/).length > 5 && of(/\/\d+\.\d+\.m4s/).length > 5 ? true : undefined,
      );
      expect(of(/\.m3u8|\.m4s/).filter(({ status }) => status !== 200)).toEqual([]);
      page.removeAllListeners("response");
    });

    testWith(
      "chromium",
      "recording",
      "ffmpeg",
    )("on a recording, over more than a pass", async () => {
      const cameraId = cameraIdsOf([RECORDING])[0]!;
      // The length that its telemetry is looped by.
      const { lengthMs } = await readRecording(RECORDING, cameraId);
      const known = await framesOf(RECORDING, RECORDING_SIZE);
      await show(cameraId);
      await chartsFollow(page);
      const apartMs = (1.2 * lengthMs) / SAMPLES;
      const frames = await shownFrames(page, { ...RECORDING_SIZE, count: SAMPLES, apartMs });
      const differencesMs = frames.map(({ image, momentMs }) => {
        const fileMs = (mostAlikeFrame(known, image) * lengthMs) / known.length;
        return loopDifferenceMs(lengthMs, inLoopMs(lengthMs, momentMs), fileMs);
      });
      expectAgreement(differencesMs);
      await chartsFollow(page);
    });
  },
);

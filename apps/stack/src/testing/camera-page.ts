/** A browser, and what a camera's page says about its player and its charts. */
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";

import { CHROMIUM } from "./requirements.ts";
import { eventually } from "./testbed.ts";

const PLAYS_WITHIN_MS = 30_000;
const AGREE_MS = 100;

export function openBrowser(): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** Attribute of the first element that matches, as a number: of the player's frame, or of a chart. */
export async function attributeOf(page: Page, selector: string, name: string): Promise<number> {
  return Number(await page.locator(selector).first().getAttribute(name, { timeout: 1_000 }));
}

/** Waits until the picture moves. */
export async function plays(page: Page, what: string): Promise<void> {
  const playedS = () =>
    page
      .getByTestId("player")
      .evaluate((video) => (video as unknown as { currentTime: number }).currentTime);
  await eventually(
    what,
    async () => {
      const before = await playedS();
      await page.waitForTimeout(700);
      return (await playedS()) > before + 0.3 ? true : undefined;
    },
    PLAYS_WITHIN_MS,
  );
}

/** Waits until the charts' line stands at the moment that the player tells. */
export async function chartsFollow(page: Page): Promise<void> {
  await eventually("charts follow the picture", async () => {
    const [playing, moment] = [
      await attributeOf(page, "[data-playing-ms]", "data-playing-ms"),
      await attributeOf(page, "[data-moment-ms]", "data-moment-ms"),
    ];
    return Math.abs(playing - moment) < AGREE_MS ? true : undefined;
  });
}

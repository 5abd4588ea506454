/** The page in a real browser, with what users send by OTLP: long ids, a single point, a trace without a camera. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";

import { buildPage } from "./page.ts";
import { openBrowser } from "./testing/camera-page.ts";
import { testWith } from "./testing/requirements.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const test = testWith("chromium");
const LONG_ID = `camera-${"0123456789".repeat(24)}`;
const TRACE_ID = "0a".repeat(16);
const OWN_TRACE_ID = "0b".repeat(16);
const WIDTHS_PX = [390, 1_280] as const;

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });

describe("the page of somebody's own telemetry", { timeout: 120_000 }, () => {
  let bed: Testbed;
  let browser: Browser;
  let page: Page;
  let otlpPort: number;
  let url: string;

  beforeAll(async () => {
    await buildPage();
    bed = await Testbed.open();
    const { addresses } = await bed.collector({ "otlp-plaintext": true, "otlp-open": true });
    otlpPort = addresses.otlpHttpPort!;
    ({ url } = (await bed.dashboard(addresses.port)).addresses);
    await sendPoint();
    await sendSpan(TRACE_ID, attribute("camera.id", LONG_ID));
    await sendSpan(OWN_TRACE_ID, attribute("service.name", "shop"));
    browser = await openBrowser();
    page = await browser.newPage();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await bed?.[Symbol.asyncDispose]();
  });

  const send = async (signal: string, body: object) => {
    const response = await fetch(`http://localhost:${otlpPort}/v1/${signal}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
  };
  const nowNano = () => `${Date.now()}000000`;
  const sendPoint = () => {
    const dataPoints = [{ timeUnixNano: nowNano(), asDouble: 5 }];
    const metrics = [{ name: "shop.level", unit: "1", gauge: { dataPoints } }];
    const resource = { attributes: [attribute("camera.id", LONG_ID)] };
    return send("metrics", { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] });
  };
  const sendSpan = (traceId: string, ofResource: object) => {
    const times = { startTimeUnixNano: nowNano(), endTimeUnixNano: nowNano() };
    const span = { traceId, spanId: traceId.slice(0, 16), name: "POST /cart", ...times };
    const resource = { attributes: [ofResource] };
    return send("traces", { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
  };
  const show = (path: string) => page.goto(new URL(path, url).href);
  const titled = () => page.getByTitle(LONG_ID).first();
  const expectNoOverflow = async (where: string) => {
    const px = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(px, `overflow of ${where}`).toBeLessThanOrEqual(0);
  };

  for (const width of WIDTHS_PX) {
    test(`no long camera id makes a page wider than a screen of ${width} px`, async () => {
      await page.setViewportSize({ width, height: 844 });
      await show("/");
      for (const layout of ["Tiles", "Cells", "Table"]) {
        await page.getByText(layout, { exact: true }).click();
        await page.locator(`[title^="${LONG_ID}"]`).first().waitFor();
        await expectNoOverflow(`the fleet's ${layout}`);
      }
      for (const path of [`/cameras/${LONG_ID}`, "/traces", `/traces/${TRACE_ID}`]) {
        await show(path);
        await titled().waitFor();
        await expectNoOverflow(path.slice(0, 20));
      }
    });
  }

  test("a series of one point is a dot in its chart", async () => {
    await show(`/cameras/${LONG_ID}`);
    await eventually("the dot is drawn", async () =>
      (await page.evaluate(COLORED_PIXELS)) ? true : undefined,
    );
  });

  test("a trace without a camera is called after its first span", async () => {
    await show(`/traces/${OWN_TRACE_ID}`);
    await page.getByText(/^POST \/cart of shop at \d/).waitFor({ timeout: 10_000 });
  });
});

/** How many pixels of the first chart have the colour of its series. */
const COLORED_PIXELS = `(() => {
  const chart = document.querySelector("canvas");
  if (!chart) return 0;
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--series-0)";
  const [red, green, blue] = getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number);
  probe.remove();
  const { data } = chart.getContext("2d").getImageData(0, 0, chart.width, chart.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255)
      count++;
  return count;
})()`;

/** The page in a real browser, on the real stack. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";

import { buildPage } from "./page.ts";
import { attributeOf, chartsFollow, openBrowser, plays } from "./testing/camera-page.ts";
import type { ProcessStack } from "./testing/processes.ts";
import { startProcesses } from "./testing/processes.ts";
import { testWith } from "./testing/requirements.ts";
import { eventually } from "./testing/testbed.ts";

const CAMERAS = 500;
const test = testWith("chromium");

describe("the page", { timeout: 120_000 }, () => {
  let stack: ProcessStack;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    await buildPage();
    stack = await startProcesses({ cameras: CAMERAS, "trace-ratio": 0.02 });
    browser = await openBrowser();
    page = await browser.newPage();
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      // The browser itself reports answers of status 404 and 503 that a test provokes.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        problems.push(message.text());
    });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  const show = (path: string) => page.goto(new URL(path, stack.plan.url).href);
  const textOf = (testId: string) => page.getByTestId(testId).first().textContent();
  const numberOf = async (testId: string) =>
    Number((await textOf(testId))?.replaceAll(/[^\d.-]/g, ""));

  test(`shows ${CAMERAS} cameras at a glance, with live numbers`, async () => {
    await show("/");
    await eventually("all cameras are counted", async () => {
      const counts = await Promise.all(["count-live", "count-fault", "count-silent"].map(numberOf));
      return counts.reduce((sum, count) => sum + count) === CAMERAS ? true : undefined;
    });
    await eventually("points flow", async () =>
      (await numberOf("points-per-second")) > CAMERAS ? true : undefined,
    );
    expect(await page.getByTestId("camera-cam-0500").count()).toBe(1);
  });

  test("shows one camera's values, and they change", async () => {
    await show("/cameras/cam-0001");
    const value = () =>
      page.getByTestId("value-camera.sensor.temperature").textContent({ timeout: 1_000 });
    const first = await eventually("a value is shown", async () =>
      /\d/.test((await value()) ?? "") ? value() : undefined,
    );
    await eventually("the value changes", async () =>
      (await value()) === first ? undefined : true,
    );
    await eventually("charts are drawn", async () =>
      (await page.locator("canvas").count()) > 3 ? true : undefined,
    );
  });

  test("shows the way of a measurement with the time of each hop", async () => {
    await show("/traces");
    await eventually("the newest trace is shown", async () =>
      (await page.getByTestId("hop").count()) >= 4 ? true : undefined,
    );
    const hops = (await page.getByTestId("hop").allTextContents()).join(" ");
    for (const part of [
      "camera/src/agent.ts",
      "mesh-node/src/gateway/intake.ts",
      "collector/src/stores/telemetry-log.ts",
    ]) {
      expect(hops).toContain(part);
    }
    expect(hops).toMatch(/\d (ms|µs)/);
  });

  test("draws the mesh, and a node that is killed disappears from it and is named", async () => {
    await show("/mesh");
    const drawn = (node: string) => page.locator(`[data-node="${node}"]`).count();
    await eventually("three nodes are drawn", async () =>
      (await drawn("node-3")) === 1 ? true : undefined,
    );
    expect(await drawn("node-1")).toBe(1);
    await stack.supervisor.kill("node-2", "SIGKILL");
    await eventually("node-2 is gone", async () =>
      (await drawn("node-2")) === 0 ? true : undefined,
    );
    expect(await page.locator("main").textContent()).toContain("node-2");
    await eventually("points still flow", async () => (await drawn("node-1")) === 1 || undefined);
    await stack.supervisor.restart("node-2");
    await eventually("node-2 is back", async () =>
      (await drawn("node-2")) === 1 ? true : undefined,
    );
  });

  test("says which service is missing instead of stale numbers, and recovers", async () => {
    await show("/");
    await stack.supervisor.kill("collector", "SIGKILL");
    const banner = page.getByTestId("missing-service");
    await banner.waitFor({ timeout: 15_000 });
    expect(await banner.textContent()).toContain("collector");
    await stack.supervisor.restart("collector");
    await banner.waitFor({ state: "detached", timeout: 20_000 });
  });

  test("helps at wrong addresses", async () => {
    const response = await show("/no/such/page");
    expect(response?.status()).toBe(404);
    await page.getByTestId("not-found").waitFor();
    await show("/cameras/cam-00001");
    await page.getByTestId("not-found").waitFor();
    await eventually("near matches are offered", async () =>
      (await page.getByTestId("not-found").textContent())?.includes("cam-0001") ? true : undefined,
    );
  });

  test("shows a camera's picture, and the charts' line stands at its moment", async () => {
    await show("/cameras/cam-0001");
    await plays(page, "the picture plays");
    await chartsFollow(page);
    const ageMs = Date.now() - (await attributeOf(page, "[data-playing-ms]", "data-playing-ms"));
    expect(ageMs).toBeGreaterThan(0);
    expect(ageMs).toBeLessThan(20_000);
  });

  test("plays on when the edge in use is killed; OpsBot sees it, acts and closes the incident", async () => {
    await page.evaluate(
      "window.notReloaded = true; window.waits = 0; document.querySelector('video').addEventListener('waiting', () => window.waits++)",
    );
    const stallsOf = (name: string) => attributeOf(page, "[data-stalls]", name);
    const stallsBefore = await stallsOf("data-stalls");
    const edge = await eventually(
      "the edge in use is shown",
      async () => /edge-\d/.exec((await textOf("player-edge")) ?? "")?.[0],
    );
    const { edges } = await stack.dashboard.listEdges();
    process.kill(edges.find(({ name }) => name === edge)!.process!.processId, "SIGKILL");
    const other = edge === "edge-1" ? "edge-2" : "edge-1";
    await eventually(
      "the other edge is in use",
      async () => ((await textOf("player-edge"))?.includes(other) ? true : undefined),
      90_000,
    );
    await plays(page, "the picture plays on");
    expect(await page.evaluate("window.notReloaded")).toBe(true);
    // Each stall is one for which the element itself has waited, and has a length.
    const stalls = await stallsOf("data-stalls");
    const waits = (await page.evaluate("window.waits")) as number;
    expect(stalls - stallsBefore).toBeLessThanOrEqual(waits);
    expect((await stallsOf("data-stalled-ms")) > 0).toBe(stalls > 0);
    await show("/ops");
    const incident = page.locator('[data-testid^="incident-"]').filter({ hasText: edge }).first();
    await eventually(
      "the incident is over",
      async () =>
        (await incident.getAttribute("data-phase", { timeout: 1_000 })) === "resolved"
          ? true
          : undefined,
      90_000,
    );
  });

  test("talks with OpsBot, which changes nothing without the session's token", async () => {
    const say = async (words: string) => {
      await page.getByTestId("chat-input").fill(words);
      await page.getByTestId("chat-input").press("Enter");
    };
    const answered = (pattern: RegExp) =>
      eventually(`an answer like ${pattern}`, async () =>
        pattern.test((await page.getByTestId("chat-message").allTextContents()).join("\n"))
          ? true
          : undefined,
      );
    await say("status");
    await answered(/checks/);
    await say("flush edge-1");
    await answered(/this session may not/);
    await page.goto(stack.plan.sessionUrl);
    expect(page.url()).not.toContain("session=");
    await show("/ops");
    const suggested = (text: RegExp) =>
      page.getByTestId("chat-suggestion").filter({ hasText: text });
    await say("flush edge-1");
    await answered(/I will .*edge-1.* Say yes [0-9a-f]{6} to do it\./);
    await suggested(/^no$/).click();
    await answered(/Nothing is done\./);
    await say("flush edge-1");
    await suggested(/^yes [0-9a-f]{6}$/).click();
    await answered(/objects forgotten/);
    await say("why edge-1");
    await answered(/flush asked for/);
  });

  test("says how a channel is deployed while none is", async () => {
    await show("/deployments");
    const empty = page.getByTestId("no-deployments");
    await empty.waitFor();
    expect(await empty.textContent()).toContain("npm run opsbot -- deploy channel.yaml");
    expect(await page.locator('.tabs a[aria-current="page"]').textContent()).toContain(
      "Deployments",
    );
    await show("/deployments/no%20such");
    await page
      .getByTestId("not-found")
      .getByText("OpsBot has deployed no channel no such.")
      .waitFor();
  });

  test("obeys its own content security policy and throws nothing", () => {
    expect(problems).toEqual([]);
  });

  test("is not served to another Host, and its API not to another Origin", async () => {
    const { port } = new URL(stack.plan.url);
    const { request } = await import("node:http");
    const status = (headers: Record<string, string>, method = "GET", path = "/") =>
      new Promise<number>((resolve) => {
        request({ port, path, method, headers }, (response) => resolve(response.statusCode!)).end();
      });
    expect(await status({ host: "rebound.example" })).toBe(421);
    const api = "/api/glassline.query.v1alpha1.QueryService/GetStatus";
    expect(
      await status({ host: `localhost:${port}`, origin: "https://evil.example" }, "POST", api),
    ).toBe(403);
    expect(await status({ host: `localhost:${port}` })).toBe(200);
  });
});

/** A phone's way in a real browser: the link, the profile, the button on the Home Screen, the picture from edges that check its token. */
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { EdgeCache } from "@glassline/edge-cache";
import { EdgeCacheService } from "@glassline/proto/edge";
import { peerClient } from "@glassline/service/peer-client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";

import { openBrowser, plays } from "./testing/camera-page.ts";
import { freePort } from "@glassline/bench/ports";
import { testWith } from "./testing/requirements.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const test = testWith("chromium");
/** Where pictures of the pages are put, such as docs/images; empty: none are made. */
const PICTURES = process.env["GLASSLINE_PICTURES"] ?? "";
const PHONE = { width: 390, height: 844 };
const CHANNEL = "harbour";
const PATIENCE_MS = 60_000;

describe("a phone", { timeout: 240_000 }, () => {
  let bed: Testbed;
  let browser: Browser;
  let enrolment: Awaited<ReturnType<Testbed["enrolment"]>>;
  let edges: EdgeCache[];
  let keys = 0;

  beforeAll(async () => {
    bed = await Testbed.open();
    enrolment = await bed.enrolment();
    const { tokenKeys, publicUrl } = await enrolment.client.getStatus({});
    const keyFile = join(bed.directory, "keys.json");
    writeFileSync(keyFile, tokenKeys);
    const origin = await bed.origin();
    const words = {
      protect: "/live/cam-0001/",
      "token-keys": keyFile,
      "allowed-origin": publicUrl,
      drain: 0,
    };
    const ports = [await freePort(), await freePort()] as const;
    const url = (at: number) => `http://localhost:${ports[at]}`;
    edges = [
      await bed.edge("edge-1", origin.addresses.port, {
        ...words,
        port: ports[0],
        peer: `edge-2=${url(1)}`,
      }),
      await bed.edge("edge-2", origin.addresses.port, {
        ...words,
        port: ports[1],
        peer: `edge-1=${url(0)}`,
      }),
    ];
    const channel = {
      name: CHANNEL,
      tenant: "port",
      title: "Harbour live",
      description: "The harbour, as its cameras see it: ships, gulls and weather.",
      organization: "Harbour Authority",
      path: "/live/cam-0001/index.m3u8",
      protectedPaths: ["/live/cam-0001/"],
      edges: [0, 1].map((at) => ({ name: `edge-${at + 1}`, publicUrl: url(at) })),
      dns: {
        protocol: "HTTPS",
        serverUrl: "https://dns.harbour.example/dns-query",
        matchDomains: ["watch.harbour.example"],
      },
    };
    await enrolment.client.putChannel({ channel, fencingToken: 1n });
    browser = await openBrowser();
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await bed?.[Symbol.asyncDispose]();
  });

  const link = (deviceName: string) =>
    enrolment.client.createLink({
      channel: CHANNEL,
      deviceName,
      idempotencyKey: `key-${keys++}`,
      fencingToken: 1n,
    });
  /** A tab of its own: no other one's cookies. Its complaints are collected. */
  const open = async (url: string, colorScheme: "light" | "dark" = "light") => {
    const context = await browser.newContext({
      viewport: PHONE,
      colorScheme,
      deviceScaleFactor: 2,
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", ({ message }) => problems.push(message));
    page.on("console", (message) => {
      // Of answers that a test provokes, the browser itself says that they failed.
      if (message.type() === "error" && !/^Failed to load|net::ERR/.test(message.text()))
        problems.push(message.text());
    });
    await page.goto(url);
    return { page, problems };
  };
  const picture = async (page: Page, name: string) => {
    if (PICTURES === "") return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  };
  /** Taps the button, and gives what the web clip of the profile opens. */
  const enrol = async (page: Page) => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button").click(),
    ]);
    const text = (await readFile(await download.path())).toString("latin1");
    return {
      name: download.suggestedFilename(),
      watchUrl: /<key>URL<\/key><string>([^<]+)</.exec(text)?.[1] ?? "",
    };
  };
  const stateOf = (page: Page) => page.getByTestId("state").textContent();

  test("is told what it gets and how, in light and dark, and gets it by one tap", async () => {
    const { url } = await link("Anna's iPhone");
    for (const scheme of ["light", "dark"] as const) {
      const { page, problems } = await open(url, scheme);
      await picture(page, `enrolment-${scheme}`);
      const wide = await page.evaluate("document.documentElement.scrollWidth");
      expect(wide).toBeLessThanOrEqual(PHONE.width);
      expect(problems).toEqual([]);
    }
    const { page, problems } = await open(url);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Harbour live");
    const { name, watchUrl } = await enrol(page);
    expect(name).toBe("harbour.mobileconfig");
    expect(watchUrl).toMatch(/\/watch\/harbour#access_token=[\w-]+\.[\w-]+\.[\w-]+$/);
    // A page that was closed by its phone and is loaded anew.
    await page.reload();
    expect(await page.getByRole("button").textContent()).toBe("Get the profile again");
    expect((await enrol(page)).name).toBe(name);
    expect(problems).toEqual([]);
    const other = await open(url);
    expect(await other.page.getByRole("heading").textContent()).toBe("This link was used");
  });

  test("plays by its own token, from the other edge when one ends, until it is revoked", async () => {
    const { url, device } = await link("Ben's iPad");
    const { watchUrl } = await enrol((await open(url)).page);
    const { page, problems } = await open(watchUrl);
    await plays(page, "the picture moves");
    expect(await stateOf(page)).toBe("");
    expect(await page.getByTestId("note").textContent()).toMatch(/^This device may watch until /);
    await picture(page, "watch-light");
    if (PICTURES !== "") {
      const dark = await open(watchUrl, "dark");
      await plays(dark.page, "the picture moves");
      await picture(dark.page, "watch-dark");
      await dark.page.context().close();
    }
    await edges[0]![Symbol.asyncDispose]();
    const asked: string[] = [];
    page.on("response", (response) => response.ok() && asked.push(new URL(response.url()).port));
    await eventually(
      "the other edge is asked",
      () => (asked.includes(String(edges[1]!.addresses.port)) ? true : undefined),
      PATIENCE_MS,
    );
    await plays(page, "the picture moves again");
    expect(problems).toEqual([]);

    const { subject } = await enrolment.client.revokeDevice({
      channel: CHANNEL,
      device,
      idempotencyKey: "revoked",
      fencingToken: 1n,
    });
    const token = new URLSearchParams(new URL(watchUrl).hash.slice(1)).get("access_token")!;
    const playlist = `http://localhost:${edges[1]!.addresses.port}/live/cam-0001/index.m3u8?access_token=${token}`;
    expect((await fetch(playlist)).status).toBe(200);
    expect(subject).toBe(device);
    await page.reload();
    await eventually("it is told", async () =>
      /was revoked/.test((await stateOf(page)) ?? "") ? true : undefined,
    );
  });

  test("is refused by an edge that is told the subject of a revoked device", async () => {
    const origin = await bed.origin();
    const { tokenKeys } = await enrolment.client.getStatus({});
    const keyFile = join(bed.directory, "more-keys.json");
    writeFileSync(keyFile, tokenKeys);
    const edge = await bed.edge("edge-3", origin.addresses.port, {
      protect: "/live/cam-0001/",
      "token-keys": keyFile,
      "admin-token": "secret",
    });
    const { url, device } = await link("Cleo's iPhone");
    const { watchUrl } = await enrol((await open(url)).page);
    const token = new URLSearchParams(new URL(watchUrl).hash.slice(1)).get("access_token")!;
    const status = async (path: string) =>
      (await fetch(`http://localhost:${edge.addresses.port}${path}?access_token=${token}`)).status;
    expect(await status("/live/cam-0001/index.m3u8")).toBe(200);
    const identity = await bed.identity({ role: "opsbot", instance: "opsbot" });
    const at = { name: "edge-3", host: "localhost", port: edge.addresses.grpcPort };
    using client = peerClient(EdgeCacheService, at, "edge-cache", identity);
    await client.revokeTokens(
      { target: { case: "client", value: device }, idempotencyKey: "cleo", fencingToken: 1n },
      { authorization: "Bearer secret" },
    );
    expect(await status("/live/cam-0001/index.m3u8")).toBe(403);
  });
});

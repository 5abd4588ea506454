/** A protected channel in a real browser: hls.js hands the token of the first address on to playlists, parts and segments. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { closeHttp, listenHttp } from "@glassline/service/listen-http";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";

import { openBrowser, plays } from "./testing/camera-page.ts";
import { freePort } from "@glassline/bench/ports";
import { testWith } from "./testing/requirements.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const HLS_JS = readFileSync(
  new URL("../../../node_modules/hls.js/dist/hls.min.js", import.meta.url),
);
const TOKEN_MAIN = fileURLToPath(new URL("../../edge-cache/src/token-main.ts", import.meta.url));

/** @param url of the playlist. */
const page = (url: string) => `<video data-testid="player" muted autoplay></video>
<script src="/hls.js"></script>
<script>
  const hls = new Hls({ lowLatencyMode: true });
  hls.on(Hls.Events.ERROR, (_name, { details }) => document.body.append(details, " "));
  hls.loadSource(${JSON.stringify(url)});
  hls.attachMedia(document.querySelector("video"));
</script>`;

describe("a protected channel", { timeout: 90_000 }, () => {
  let bed: Testbed;
  let browser: Browser;
  let pages: Server;
  let pageUrl: string;
  let edgePort: number;
  const tool = (...words: readonly string[]) =>
    execFileSync(process.execPath, [TOKEN_MAIN, `--key=${join(bed.directory, "key")}`, ...words], {
      encoding: "utf8",
    }).trim();

  beforeAll(async () => {
    bed = await Testbed.open();
    const keys = join(bed.directory, "keys.json");
    tool("--new-key", `--token-keys=${keys}`);
    pages = createServer(({ url = "" }, response) => {
      const isScript = url === "/hls.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? HLS_JS : page(new URL(url, pageUrl).searchParams.get("play") ?? ""));
    });
    pageUrl = `http://localhost:${await listenHttp(pages, "pages", "localhost", 0)}`;
    const origin = await bed.origin();
    edgePort = await freePort();
    await bed.edge("edge-1", origin.addresses.port, {
      port: edgePort,
      protect: "/live/cam-0001/",
      "token-keys": keys,
      "allowed-origin": pageUrl,
    });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    if (pages) await closeHttp(pages);
    await bed?.[Symbol.asyncDispose]();
  });

  const open = async (query: string) => {
    const tab = await browser.newPage();
    const asked: { url: URL; status: number }[] = [];
    tab.on("response", (response) => {
      const url = new URL(response.url());
      if (url.port === String(edgePort)) asked.push({ url, status: response.status() });
    });
    const playlist = `http://localhost:${edgePort}/live/cam-0001/index.m3u8${query}`;
    await tab.goto(`${pageUrl}/?play=${encodeURIComponent(playlist)}`);
    return { tab, asked };
  };

  testWith("chromium")("plays with a token in the first address, and not without", async () => {
    const token = tool("--channel=cam-0001", "--client=anna");
    const { tab, asked } = await open(`?access_token=${token}`);
    await plays(tab, "the protected picture plays");
    await eventually("the player waits for parts", () =>
      asked.filter(({ url }) => url.searchParams.has("_HLS_part")).length > 3 ? true : undefined,
    );
    const media = asked.filter(({ url }) => url.pathname.startsWith("/live/"));
    expect(media.some(({ url }) => /\/\d+\.\d+\.m4s$/.test(url.pathname))).toBe(true);
    expect(media.filter(({ status }) => status !== 200)).toEqual([]);
    expect(media.filter(({ url }) => url.searchParams.get("access_token") !== token)).toEqual([]);
    expect(
      asked
        .filter(({ url }) => url.pathname.startsWith("/steering/"))
        .map(({ url }) => url.searchParams.has("access_token")),
    ).not.toContain(true);

    const other = await open("");
    await eventually("it is refused", () => (other.asked.length > 0 ? true : undefined));
    expect(other.asked.map(({ status }) => status)).toContain(401);
  });
});

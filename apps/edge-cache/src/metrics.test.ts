import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { expect, test } from "vitest";

import { startEdge, startOrigin } from "./edge-cache.testing.ts";

const PROMTOOL = process.env["PROMTOOL"] ?? "/usr/bin/promtool";
/** There, a program that is missing is a mistake. */
const IS_CI = process.env["CI"] === "true";

test.skipIf(!existsSync(PROMTOOL) && !IS_CI)("metrics are as promtool wants them", async () => {
  await using origin = await startOrigin((_request, response) => response.end("x"));
  await using edge = await startEdge(origin.url);
  const { port, adminPort } = edge.addresses;
  for (const path of ["/a", "/b.m4s"])
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  expect(text).toMatch(/^glassline_edge_requests_total\{kind="segment",result="miss"/m);
  expect(text).toMatch(/^glassline_edge_first_byte_seconds_bucket\{le="0\.0005",/m);
  const checked = spawnSync(PROMTOOL, ["check", "metrics"], { input: text, encoding: "utf8" });
  expect(`${checked.stdout}${checked.stderr}`).toBe("");
  expect(checked.status).toBe(0);
});

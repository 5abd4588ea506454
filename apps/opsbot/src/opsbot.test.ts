/** The whole OpsBot as it is configured by flags: an edge that nobody can reach, people who are told, and who may ask. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { trace } from "@opentelemetry/api";
import { expect, onTestFinished, test, vi } from "vitest";

import { makeToken } from "./access/token-tool.ts";
import { program } from "./config.ts";
import { startWebhookServer } from "./notify/webhook-server.testing.ts";
import { startOpsBot } from "./opsbot.ts";

const SERVICE = "/glassline.opsbot.v1alpha1.OpsBotService";
const TIMEOUT_MS = 90_000;

async function startWith(words: Record<string, string | number>) {
  const result = readConfig(program, {
    arguments: Object.entries(words).map(([name, value]) => `--${name}=${value}`),
    environment: {},
  });
  if (!("config" in result)) throw new Error("got help, expected a config");
  return startOpsBot(result.config, {
    identity: await (await ephemeralPki())({ role: "opsbot", instance: "opsbot" }),
    clock: systemClock,
    random: Math.random,
    logger: createLogger("opsbot", "silent"),
    metrics: createMetrics("opsbot"),
    tracerProvider: trace.getTracerProvider(),
    stopping: new AbortController().signal,
  });
}

test(
  "people are told of an edge that cannot be repaired, and ask with a token",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "glassline-opsbot-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const apiTokens = join(directory, "tokens");
    const token = await makeToken({ role: "viewer", name: "anna", apiTokens });
    await using json = await startWebhookServer();
    await using slack = await startWebhookServer();
    await using opsbot = await startWith({
      port: 0,
      "admin-port": 0,
      "data-dir": join(directory, "data"),
      "api-tokens": apiTokens,
      edge: "edge-1=127.0.0.1:9",
      interval: "100ms",
      verify: "500ms",
      "disruption-window": "0s",
      webhook: `pager=${json.url}/secret`,
      "slack-webhook": slack.url,
    });
    const at = `http://127.0.0.1:${opsbot.addresses.adminPort}`;
    await vi.waitFor(() => expect([json.heard.length, slack.heard.length]).toEqual([1, 1]), {
      timeout: TIMEOUT_MS,
      interval: 100,
    });
    expect(JSON.parse(json.heard[0]!.body)).toMatchObject({
      event: "escalated",
      incident: { object: "edge-1", check: "health" },
    });
    expect(slack.heard[0]!.body).toContain("A person should look");
    const metrics = await (await fetch(`${at}/metrics`)).text();
    for (const line of [
      /opsbot_notifications_total\{destination="pager",result="told".* 1$/m,
      /opsbot_time_to_detect_seconds_count\{.*check="health"\} 1$/m,
      /opsbot_time_to_act_seconds_count\{.*check="health"\} 1$/m,
      /opsbot_budget_left\{scope="target",name="edge-1".* \d+$/m,
      /opsbot_api_tokens\{.* 1$/m,
    ])
      expect(metrics).toMatch(line);
    expect(metrics).not.toContain("secret");
    const chat = (authorization: string) =>
      fetch(`${at}${SERVICE}/Chat`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization },
        body: JSON.stringify({ text: "status", mayChange: true }),
      });
    expect((await chat("")).status).toBe(401);
    expect((await chat(`Bearer ${token}x`)).status).toBe(401);
    const answer = await chat(`Bearer ${token}`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("edge-1");
  },
  TIMEOUT_MS,
);

/** MCP on the admin port of a real OpsBot, by tokens of its API. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { trace } from "@opentelemetry/api";
import { expect, onTestFinished, test } from "vitest";

import { makeToken } from "../access/token-tool.ts";
import { program } from "../config.ts";
import type { AccessRole } from "../desk.ts";
import { startOpsBot } from "../opsbot.ts";

async function startPort() {
  const directory = mkdtempSync(join(tmpdir(), "glassline-mcp-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const apiTokens = join(directory, "tokens");
  const tokens = {
    viewer: await makeToken({ role: "viewer", name: "grafana", apiTokens }),
    operator: await makeToken({ role: "operator", name: "anna", apiTokens }),
    admin: await makeToken({ role: "admin", name: "bert", apiTokens }),
  };
  const flags = { port: 0, "admin-port": 0, "data-dir": directory, "api-tokens": apiTokens };
  const result = readConfig(program, {
    arguments: Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    environment: {},
  });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  const issue = await ephemeralPki();
  const opsbot = await startOpsBot(result.config, {
    clock: systemClock,
    identity: await issue({ role: "opsbot", instance: "opsbot" }),
    logger: createLogger("opsbot", "silent"),
    metrics: createMetrics("opsbot"),
    random: Math.random,
    tracerProvider: trace.getTracerProvider(),
    stopping: new AbortController().signal,
  });
  onTestFinished(() => opsbot[Symbol.asyncDispose]());
  const url = new URL(`http://127.0.0.1:${opsbot.addresses.adminPort}/mcp`);
  const connect = async (role: AccessRole) => {
    const client = new Client({ name: "test", version: "1" });
    const authProvider = { token: async () => tokens[role] };
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider }));
    onTestFinished(() => client.close());
    return (name: string, given: Record<string, unknown> = {}) =>
      client.callTool({ name, arguments: given });
  };
  return { url, connect };
}

test("what an operator plans is done, and written down as theirs", async () => {
  const { connect } = await startPort();
  const call = await connect("operator");
  const plan = await call("plan_change", { change: "pause", minutes: 30 });
  expect(plan.structuredContent).toMatchObject({ says: expect.stringMatching(/^I will pause/) });
  const { hash } = plan.structuredContent as { hash: string };
  expect((await call("apply_plan", { hash })).structuredContent).toMatchObject({ ok: true });
  const who = "anna (operator token)";
  expect((await call("get_status")).structuredContent).toMatchObject({
    orders: [{ kind: "pause", who }],
  });
  expect((await call("read_audit")).structuredContent).toMatchObject({
    lines: [{ seq: 1, who, what: "pause" }],
  });
});

test("a viewer is let in to read, and changes nothing", async () => {
  const { connect } = await startPort();
  const call = await connect("viewer");
  expect((await call("get_status")).isError).toBeFalsy();
  for (const [name, given] of [
    ["plan_change", { change: "pause" }],
    ["stop_everything", {}],
  ] as const)
    expect(await call(name, given)).toMatchObject({ isError: true });
  expect((await call("get_status")).structuredContent).toMatchObject({ orders: [] });
});

test("without a token nobody is let in, not even on this machine", async () => {
  const { url } = await startPort();
  for (const authorization of ["", "Bearer glop_other"]) {
    const headers = { authorization };
    expect((await fetch(url, { method: "POST", body: "{}", headers })).status).toBe(401);
  }
});

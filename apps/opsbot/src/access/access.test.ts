/** Who is let in: on a real admin port, with the JSON routes of OpsBot's service. */
import { request } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { UnaryMethods } from "@glassline/proto/json";
import { jsonRoutes } from "@glassline/proto/json";
import { OpsBotService } from "@glassline/proto/opsbot";
import { systemClock } from "@glassline/service/clock";
import { simulatedClock } from "@glassline/service/clock/testing";
import { startAdmin } from "@glassline/service/http";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { describe, expect, onTestFinished, test } from "vitest";

import type { AccessRole, Caller } from "../desk.ts";
import { Access, isLoopbackHost, needsOfService } from "./access.ts";
import { accessMetrics } from "./metrics.ts";
import { openTokens } from "./token-store.ts";
import { makeToken } from "./token-tool.ts";

const PACKAGE = "/glassline.opsbot.v1alpha1.OpsBotService";
const PUSH = "/icinga/event";
const BODY_MAX_BYTES = 1_048_576;

const unasked = async () => ({}) as never;
/** The rest of the service. */
const UNASKED = {
  getInventory: unasked,
  listAudit: unasked,
  plan: unasked,
  apply: unasked,
  stopEverything: unasked,
};

interface Door {
  tokens: Record<AccessRole, string>;
  /** Who was let in to say something. */
  callers: Caller[];
  clock: ReturnType<typeof simulatedClock>;
  ask(path: string, authorization?: string, body?: string): Promise<Response>;
  method(name: string, authorization?: string): Promise<number>;
  port: number;
  counted(because: string): Promise<number>;
}

/** Of each method: it says nothing. */
const silent = Object.fromEntries(
  OpsBotService.methods.map(({ localName }) => [localName, async () => ({})]),
) as unknown as UnaryMethods<typeof OpsBotService>;

async function openDoor({ isLoopback = true, perSecond = 1_000 } = {}): Promise<Door> {
  const directory = mkdtempSync(join(tmpdir(), "glassline-access-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const apiTokens = join(directory, "tokens");
  const tokens = {
    viewer: await makeToken({ role: "viewer", name: "grafana", apiTokens }),
    operator: await makeToken({ role: "operator", name: "anna", apiTokens }),
    admin: await makeToken({ role: "admin", name: "bert", apiTokens }),
  };
  const registry = createMetrics("opsbot");
  const metrics = accessMetrics(registry);
  const clock = simulatedClock();
  const store = await openTokens(apiTokens, {
    clock: systemClock,
    logger: createLogger("opsbot", "silent"),
    metrics,
  });
  onTestFinished(() => store[Symbol.dispose]());
  const needs = needsOfService(OpsBotService);
  const access = new Access({ tokens: store, clock, metrics, needs, isLoopback, perSecond });
  const callers: Caller[] = [];
  const admin = await startAdmin(
    { host: "127.0.0.1", adminPort: 0, allowedHost: [] },
    registry.registry,
    {
      authorize: (asked) => access.authorize(asked),
      openApi: {},
      routes: [
        ...jsonRoutes(OpsBotService, {
          ...silent,
          chat: async (_request, context) => {
            callers.push(access.callerOf(context));
            return { text: "heard", ok: true } as never;
          },
          ...UNASKED,
        }),
        { path: "/unforeseen", handle: async () => ({}) },
        { path: PUSH, handle: async () => ({}) },
      ],
    },
  );
  onTestFinished(() => admin[Symbol.asyncDispose]());
  const ask = (path: string, authorization?: string, body = "{}") =>
    fetch(`http://127.0.0.1:${admin.port}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(authorization !== undefined && { authorization }),
      },
      body,
    });
  return {
    tokens,
    callers,
    clock,
    ask,
    method: async (name, authorization) => (await ask(`${PACKAGE}/${name}`, authorization)).status,
    port: admin.port,
    counted: async (because) => {
      const { values } = await metrics.refusals.get();
      return values.find(({ labels }) => labels.because === because)?.value ?? 0;
    },
  };
}

describe("the API", () => {
  test("may be read without a token where only this machine can ask, and not be talked to", async () => {
    const door = await openDoor();
    for (const name of ["GetStatus", "ListIncidents", "GetIncident"])
      expect(await door.method(name), name).toBe(200);
    const refused = await door.ask(`${PACKAGE}/Chat`);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect(await refused.json()).toEqual({
      code: "unauthenticated",
      message: "authorization: got none, expected Bearer with a token of --api-tokens",
    });
    expect(door.callers).toEqual([]);
    expect(await door.counted("no_token")).toBe(1);
  });

  test("is read by viewers where others can ask; health and metrics by all", async () => {
    const door = await openDoor({ isLoopback: false });
    expect(await door.method("ListIncidents")).toBe(401);
    expect(await door.method("ListIncidents", `Bearer ${door.tokens.viewer}`)).toBe(200);
    for (const path of ["/livez", "/readyz", "/metrics", "/openapi.json"])
      expect((await fetch(`http://127.0.0.1:${door.port}${path}`)).status, path).toBe(200);
    expect((await door.ask("/nowhere")).status).toBe(404);
    expect((await door.ask(PUSH)).status).toBe(200);
  });

  test("knows who talks, by the token", async () => {
    const door = await openDoor();
    for (const role of ["viewer", "operator", "admin"] as const)
      expect(await door.method("Chat", `Bearer ${door.tokens[role]}`)).toBe(200);
    expect(door.callers).toEqual([
      { who: "grafana (viewer token)", role: "viewer" },
      { who: "anna (operator token)", role: "operator" },
      { who: "bert (admin token)", role: "admin" },
    ]);
  });

  test("asks an operator's token of what nobody has told it is harmless", async () => {
    const door = await openDoor();
    const status = async (authorization?: string) =>
      (await door.ask("/unforeseen", authorization)).status;
    expect(await status()).toBe(401);
    expect(await status(`Bearer ${door.tokens.viewer}`)).toBe(403);
    expect(await status(`Bearer ${door.tokens.operator}`)).toBe(200);
    expect(await door.counted("role")).toBe(1);
  });

  test("lets no other token in, however it is shown, and says nothing of it", async () => {
    const door = await openDoor();
    const { operator } = door.tokens;
    for (const authorization of [
      "Bearer wrong",
      `Bearer ${operator}x`,
      `Bearer ${operator.slice(0, -1)}`,
      `Token ${operator}`,
      operator,
      "Bearer ",
      "Basic !",
    ]) {
      const answer = await door.ask(`${PACKAGE}/Chat`, authorization);
      expect(answer.status, authorization).toBe(401);
      expect(await answer.text()).not.toContain(operator.slice(5, 20));
    }
    // Also where no token is needed: who shows a wrong one should know.
    expect(await door.method("GetStatus", "Bearer wrong")).toBe(401);
    expect(door.callers).toEqual([]);
    expect(await door.counted("unknown_token")).toBe(8);
  });

  test("is not entered by another spelling of an address", async () => {
    const door = await openDoor();
    const chat = "/glassline.opsbot.v1alpha1.OpsBotService/Chat";
    for (const [path, expected] of [
      [`${chat}?x=/livez`, 401],
      [chat.replace("Chat", "%43hat"), 401],
      [`/livez/..${chat}`, 404],
    ] as const) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const call = request({ host: "127.0.0.1", port: door.port, path, method: "POST" });
        call.once("response", (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        call.once("error", reject);
        call.end();
      });
      expect(status, path).toBe(expected);
    }
    expect(door.callers).toEqual([]);
  });

  test("reads no body of those whom it does not let in", async () => {
    const door = await openDoor();
    const large = "x".repeat(BODY_MAX_BYTES + 1);
    expect((await door.ask(`${PACKAGE}/Chat`, undefined, large)).status).toBe(401);
    expect((await door.ask(`${PACKAGE}/Chat`, `Bearer ${door.tokens.viewer}`, large)).status).toBe(
      413,
    );
  });

  test("slows down each caller for itself, and says when to come again", async () => {
    const door = await openDoor({ perSecond: 2 });
    const bearer = (role: AccessRole) => `Bearer ${door.tokens[role]}`;
    for (let at = 0; at < 4; at++) expect(await door.method("Chat", bearer("operator"))).toBe(200);
    const refused = await door.ask(`${PACKAGE}/Chat`, bearer("operator"));
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ code: "resource_exhausted" });
    for (let at = 0; at < 4; at++) expect(await door.method("GetStatus")).toBe(200);
    expect(await door.method("GetStatus")).toBe(429);
    expect(await door.method("GetStatus", "Bearer guess")).toBe(429);
    expect(await door.method("Chat", bearer("admin"))).toBe(200);
    await door.clock.advance(1_000);
    expect(await door.method("Chat", bearer("operator"))).toBe(200);
    expect(await door.method("GetStatus")).toBe(200);
    expect([await door.counted("caller_rate"), await door.counted("address_rate")]).toEqual([1, 2]);
  });
});

describe("a caller", () => {
  test("with a certificate is known by that, whatever else it shows", async () => {
    const metrics = accessMetrics(createMetrics("opsbot"));
    const tokens = {
      find: () => ({ name: "anna", role: "admin" as const }),
      [Symbol.dispose]: () => {},
    };
    const needs = needsOfService(OpsBotService);
    const access = new Access({
      tokens,
      clock: systemClock,
      metrics,
      needs,
      isLoopback: true,
      perSecond: 1,
    });
    const camera = {
      subjectAltName: "URI:spiffe://glassline/camera/cam-1",
      authorization: "Bearer x",
    };
    expect(() => access.callerOf(camera)).toThrow("camera cam-1 may not call this");
    const operator = { subjectAltName: "URI:spiffe://glassline/operator/local" };
    expect(access.callerOf(operator)).toEqual({ who: "operator local", role: "admin" });
  });

  test.each([
    ["127.0.0.1", true],
    ["127.1.2.3", true],
    ["::1", true],
    ["localhost", true],
    ["0.0.0.0", false],
    ["::", false],
    ["127.example.net", false],
    ["10.0.0.1", false],
  ])("by --host %s comes from this machine: %s", (host, is) => {
    expect(isLoopbackHost(host)).toBe(is);
  });
});

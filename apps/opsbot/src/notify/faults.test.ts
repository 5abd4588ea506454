/** Real servers that fail, refuse, hang, lead elsewhere or talk without an end. */
import { describe, expect, test } from "vitest";

import {
  SECRET_PATH,
  at,
  escalate,
  eventually,
  hasty,
  keysOf,
  openStage,
} from "./stage.testing.ts";
import type { Answering } from "./webhook-server.testing.ts";
import { startWebhookServer, withStatus } from "./webhook-server.testing.ts";

describe("a webhook is told again, with the same key and words, when it", () => {
  const huge: Answering = (response) => {
    response.writeHead(500);
    const more = () => {
      while (response.write("x".repeat(65_536))) if (response.destroyed) return;
      response.once("drain", more);
    };
    more();
  };
  test.each<[string, Answering]>([
    ["fails", withStatus(500)],
    ["is overloaded", withStatus(503, { "retry-after": "1" })],
    ["asks for patience in words that mean nothing", withStatus(429, { "retry-after": "soon" })],
    ["is not there", withStatus(404)],
    ["lets OpsBot not in", withStatus(403)],
    ["says where else to go", withStatus(307, { location: "http://localhost:9/" })],
    ["hangs", () => {}],
    ["hangs up", (response) => response.destroy()],
    [
      "answers slowly without an end",
      (response) => void setInterval(() => response.write("x"), 100).unref(),
    ],
    ["changes the protocol", withStatus(101, { upgrade: "h2c", connection: "upgrade" })],
    ["talks and talks about its failure", huge],
    [
      "sends fields without an end",
      (response) => void response.socket?.write(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(50_000)}`),
    ],
    ["answers garbage", (response) => void response.socket?.write("this is no HTTP\r\n\r\n")],
  ])("%s", async (what, answering) => {
    await using server = await startWebhookServer([answering]);
    const stage = await openStage();
    await stage.tell({ url: at(server) });
    await escalate(stage);
    const again = what === "answers slowly without an end" ? 1 : 2;
    await eventually(async () => expect(await stage.counted("told")).toBe(1));
    expect(server.heard).toHaveLength(again);
    expect(new Set(keysOf(server)).size).toBe(1);
    expect(new Set(server.heard.map(({ body }) => body)).size).toBe(1);
    expect(await stage.counted("failed")).toBe(again - 1);
    expect(stage.logged.join()).not.toContain("a-secret");
  });

  test("refuses connections for a while", async () => {
    const port = await (async () => {
      await using gone = await startWebhookServer();
      return gone.port;
    })();
    const stage = await openStage();
    await stage.tell({ url: new URL(`http://localhost:${port}${SECRET_PATH}`) });
    await escalate(stage);
    await eventually(async () => expect(await stage.counted("failed")).toBeGreaterThan(1));
    await using server = await startWebhookServer([], { port });
    await eventually(async () => expect(await stage.counted("told")).toBe(1));
    expect(server.heard).toHaveLength(1);
    expect(stage.logged.filter((line) => line.includes("cannot be told"))).toHaveLength(1);
    expect(stage.logged.join()).toMatch(/ECONNREFUSED.*webhooks go through/s);
    expect(stage.logged.join()).not.toContain("a-secret");
  });
});

describe("redirects", () => {
  test("are not followed: what is told, and its key, stay with whom they are for", async () => {
    await using elsewhere = await startWebhookServer();
    await using server = await startWebhookServer(
      [301, 302, 303, 307, 308].map((status) => withStatus(status, { location: elsewhere.url })),
    );
    const stage = await openStage();
    await stage.tell({ url: at(server) });
    await escalate(stage);
    await eventually(async () => expect(await stage.counted("told")).toBe(1));
    expect(server.heard).toHaveLength(6);
    expect(elsewhere.heard).toEqual([]);
  });
});

describe("an answer", () => {
  test("without an end is cut off; what was told is told", async () => {
    let sentBytes = 0;
    const endless: Answering = (response) => {
      const more = () => {
        let goesOn = true;
        while (goesOn && !response.destroyed) {
          sentBytes += 65_536;
          goesOn = response.write("x".repeat(65_536));
        }
        response.once("drain", more);
      };
      more();
    };
    await using server = await startWebhookServer([endless]);
    const stage = await openStage();
    await stage.tell({ url: at(server) });
    await escalate(stage);
    await eventually(async () => expect(await stage.counted("told")).toBe(1));
    await eventually(async () => {
      const before = sentBytes;
      await hasty.sleep(2_000);
      expect(sentBytes).toBe(before);
    });
    expect(server.heard).toHaveLength(1);
  });

  test("that refuses what it is told five times ends it, and what comes next is told", async () => {
    await using server = await startWebhookServer(Array.from({ length: 5 }, () => withStatus(400)));
    const stage = await openStage();
    await stage.tell({ url: at(server) });
    const first = await escalate(stage);
    await escalate(stage, "edge-2");
    await eventually(async () => expect(await stage.counted("told")).toBe(1));
    expect(new Set(keysOf(server)).size).toBe(2);
    expect(await stage.counted("refused")).toBe(1);
    expect(stage.logged.join()).toContain(
      `"incident":${first},"what":"escalated","result":"refused"`,
    );
  });
});

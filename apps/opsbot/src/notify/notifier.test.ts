/** What people are told: by real servers that answer well, badly, late or not at all. */
import { createHmac } from "node:crypto";

import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { describe, expect, test } from "vitest";

import type { Reports } from "./notifier.ts";
import { openNotifying } from "./open-notifying.ts";
import {
  SECRET_PATH,
  at,
  bodyOf,
  escalate,
  eventually,
  hasty,
  keysOf,
  openStage,
} from "./stage.testing.ts";
import { fine, startRawServer, startWebhookServer, withStatus } from "./webhook-server.testing.ts";

const KEY = Buffer.alloc(32, 7);
const away = withStatus(503);
const HOUR_NANO = 3_600_000_000_000n;

describe("a webhook", () => {
  test("is told what is left to people, with the evidence, and its end", async () => {
    await using server = await startWebhookServer();
    const stage = await openStage();
    await stage.tell({ url: at(server), key: KEY });
    const quiet = await stage.outbox.open("edge-2", "health", "no answer");
    await stage.outbox.note(quiet, "closed", "it ended by itself");
    const id = await escalate(stage);
    await stage.outbox.note(id, "verified", "freshness is ok");
    await stage.outbox.note(id, "closed", "it is over");
    await eventually(async () => expect(await stage.counted("told")).toBe(2));
    const [escalated, resolved] = server.heard;
    expect(bodyOf(escalated!)).toMatchObject({
      key: escalated!.headers["idempotency-key"],
      event: "escalated",
      opsbot: "opsbot",
      text: "1 actions did not help. A person should look.",
      incident: { id, object: "edge-1", check: "freshness", title: "edge-1: 3 segments behind" },
      story: [
        { kind: "seen", text: "freshness: 3 segments behind" },
        { kind: "intent", text: "flush edge-1's cache" },
        { kind: "done", text: "7 objects" },
      ],
      storyLeftOut: 0,
    });
    expect(bodyOf(resolved!)).toMatchObject({ event: "resolved", text: "it is over" });
    expect(escalated!.path).toBe(SECRET_PATH);
    expect(escalated!.headers["content-type"]).toBe("application/json");
    expect(server.heard).toHaveLength(2);
    expect(new Set(keysOf(server)).size).toBe(2);
  });

  test("can tell that OpsBot told it", async () => {
    await using server = await startWebhookServer([withStatus(500)]);
    const stage = await openStage();
    await stage.tell({ url: at(server), key: KEY });
    await escalate(stage);
    await eventually(() => expect(server.heard).toHaveLength(2));
    for (const { headers, body } of server.heard) {
      const { "webhook-id": id, "webhook-timestamp": time } = headers;
      expect(id).toBe(headers["idempotency-key"]);
      expect(Math.abs(Date.now() / 1_000 - Number(time))).toBeLessThan(60);
      const code = createHmac("sha256", KEY).update(`${String(id)}.${String(time)}.${body}`);
      expect(headers["webhook-signature"]).toBe(`v1,${code.digest("base64")}`);
    }
  });

  test("of Slack is told in its format", async () => {
    await using server = await startWebhookServer();
    const stage = await openStage();
    await stage.tell({ url: at(server), format: "slack" });
    const id = await stage.outbox.open("edge-1", "health", "<!channel> & <https://evil|ok>");
    await stage.outbox.note(id, "escalated", "look");
    await eventually(() => expect(server.heard).toHaveLength(1));
    const { text, blocks } = bodyOf(server.heard[0]!);
    expect(text).toContain("edge-1: &lt;!channel&gt; &amp; &lt;https://evil|ok&gt;: look");
    expect(JSON.stringify(blocks)).not.toMatch(/[<>]/);
    expect(server.heard[0]!.headers).not.toHaveProperty("webhook-signature");
  });
});

describe("a destination", () => {
  test("that hangs holds up no other", async () => {
    await using silent = await startRawServer(() => {});
    await using server = await startWebhookServer();
    const stage = await openStage();
    await stage.tell({ url: at(silent), name: "silent" });
    await stage.tell({ url: at(server) });
    await escalate(stage);
    await escalate(stage, "edge-2");
    await eventually(() => expect(server.heard).toHaveLength(2));
    expect(await stage.counted("told", "silent")).toBe(0);
    await eventually(() => expect(silent.connections()).toBeGreaterThan(1));
  });

  test("by TLS is known by its certificate, and told nothing otherwise", async () => {
    const issue = await ephemeralPki();
    const {
      certificate: cert,
      privateKey: key,
      ca,
    } = await issue({ role: "origin", instance: "x" });
    await using server = await startWebhookServer([], { tls: { cert, key } });
    const stage = await openStage();
    await stage.tell({ url: at(server), name: "stranger" });
    await escalate(stage);
    await eventually(async () =>
      expect(await stage.counted("failed", "stranger")).toBeGreaterThan(1),
    );
    expect(server.heard).toEqual([]);
    expect(stage.logged.join()).toMatch(/no answer \([A-Z_]+\)/);
    await stage.tell({ url: at(server) }, { limits: { ca } });
    await escalate(stage, "edge-2");
    await eventually(() => expect(server.heard).toHaveLength(1));
  });

  test("is told what waits however far the clock is set, and nothing that it took nothing of for a day", async () => {
    await using server = await startWebhookServer([away, away]);
    const stage = await openStage(() => hasty.nowUnixNano() - 900n * HOUR_NANO);
    let passedMs = 0;
    const clock = { ...hasty, monotonicMs: () => hasty.monotonicMs() + passedMs };
    await stage.tell({ url: at(server) }, { clock });
    await escalate(stage);
    await eventually(async () => expect(await stage.counted("told")).toBe(1));
    expect(server.heard).toHaveLength(3);

    await using dead = await startWebhookServer(Array.from({ length: 1_000 }, () => away));
    await stage.tell({ url: at(dead), name: "dead" }, { clock });
    const id = await escalate(stage, "edge-2");
    await eventually(async () => expect(await stage.counted("failed", "dead")).toBeGreaterThan(1));
    expect(await stage.counted("too_old", "dead")).toBe(0);
    passedMs = 25 * 3_600_000;
    await eventually(async () => expect(await stage.counted("too_old", "dead")).toBe(1));
    const story = (await stage.outbox.journal.entries(id)).map(({ text }) => text);
    expect(story).toContain('dead was not told "escalated": it took nothing for a day');
  });

  test("is told in one term after the other, each of what comes in it, and of nothing in between", async () => {
    await using server = await startWebhookServer();
    const stage = await openStage();
    const metrics = createMetrics("opsbot");
    const flags = { slackWebhook: [], webhookFile: "", webhookSecret: "" };
    const webhook = [`on-call=${at(server).href}`];
    const config = { name: "opsbot", webhook, ...flags };
    const tell = await openNotifying(config, stage.outbox.journal, { ...stage.deps, metrics });
    const first = new AbortController();
    await stage.outbox.journal.reports("webhook on-call").begin();
    const ended = tell(first.signal);
    await escalate(stage);
    await eventually(async () => expect(await metrics.registry.metrics()).toMatch(/"told".* 1$/m));
    first.abort();
    await ended;
    await escalate(stage, "edge-2");
    await hasty.sleep(5_000);
    expect(server.heard).toHaveLength(1);
    const second = new AbortController();
    const over = tell(second.signal);
    await eventually(() => expect(server.heard).toHaveLength(2));
    expect(bodyOf(server.heard[1]!)).toMatchObject({ incident: { object: "edge-2" } });
    second.abort();
    await over;
  });

  test("is told when the journal can be read again", async () => {
    await using server = await startWebhookServer();
    const stage = await openStage();
    const inner = stage.outbox.journal.reports("webhook on-call");
    let faults = 3;
    const faulty =
      <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
      async (...given: A) => {
        if (faults-- > 0) throw new Error("the database is away");
        return work(...given);
      };
    await inner.begin();
    const reports: Reports = {
      begin: faulty(inner.begin),
      untold: faulty(inner.untold),
      told: faulty(inner.told),
    };
    await escalate(stage);
    await stage.tell({ url: at(server) }, { reports });
    await eventually(() => expect(server.heard).toHaveLength(1));
    expect(stage.logged.filter((line) => line.includes("the database is away"))).toHaveLength(1);
  });

  test("is told after a thousand lines that are not for it, in few writes", async () => {
    await using server = await startWebhookServer([fine]);
    const stage = await openStage();
    const inner = stage.outbox.journal.reports("webhook on-call");
    let writes = 0;
    const told = (entry: number) => {
      writes++;
      return inner.told(entry);
    };
    await inner.begin();
    const id = await stage.outbox.open("edge-2", "health", "no answer");
    for (let line = 0; line < 1_000; line++) await stage.outbox.note(id, "decided", `wait ${line}`);
    await escalate(stage);
    await stage.tell({ url: at(server) }, { reports: { ...inner, told } });
    await eventually(() => expect(server.heard).toHaveLength(1));
    expect(writes).toBeLessThan(15);
  });
});

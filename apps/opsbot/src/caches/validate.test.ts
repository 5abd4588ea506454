/** Test loads in real processes, on a server that looks like an edge. Those on real edges are in apps/stack. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

import { OperatorError } from "@glassline/service/errors";
import { systemClock } from "@glassline/service/clock";
import { ephemeralPki } from "@glassline/service/pki";
import { describe, expect, test } from "vitest";

import type { TestChannel } from "./channel.testing.ts";
import { CHANNEL_PATH, startChannel } from "./channel.testing.ts";
import type { ValidationWish } from "./validate.ts";
import { validate } from "./validate.ts";

const PATIENT = { timeout: 60_000 };
const SLO = { hitRate: 0.9, firstByteP99Ms: 5_000, errorShare: 0, stalls: 10 };

const wishOf = ({ url }: TestChannel, more: Partial<ValidationWish> = {}): ValidationWish => ({
  edges: [{ name: "edge-1", publicUrl: url }],
  path: CHANNEL_PATH,
  players: 4,
  forMs: 4_000,
  startOverMs: 500,
  slo: SLO,
  ...more,
});

const run = (wish: ValidationWish, signal = new AbortController().signal) =>
  validate(wish, { clock: systemClock, signal });

describe("a validation", PATIENT, () => {
  test("plays, and says what its players got", async () => {
    await using channel = await startChannel();
    const report = await run(wishOf(channel));
    expect(report).toMatchObject({ passed: true, players: 4, durationMs: 4_000, errors: 0n });
    expect(report).toMatchObject({ hitRate: 1, shortfalls: [] });
    expect(Number(report.requests)).toBe(channel.asked.length);
    expect(report.firstByteP99Ms).toBeGreaterThanOrEqual(report.firstByteP50Ms);
    expect(report.bytes).toBeGreaterThan(4n * 3n * 40_000n);
    const sessions = channel.asked.map((url) => new URL(url, channel.url).searchParams.get("CMCD"));
    expect(new Set(sessions).size).toBe(4);
  });

  test("shows a viewer's token with each address", async () => {
    await using channel = await startChannel();
    await run(wishOf(channel, { token: "a.b.c" }));
    expect(channel.asked.length).toBeGreaterThan(10);
    expect(channel.asked.filter((url) => !url.includes("access_token=a.b.c"))).toEqual([]);
  });

  test("trusts the authority that it is told of, and no other", async () => {
    const issue = await ephemeralPki();
    const { ca, certificate, privateKey } = await issue({ role: "edge-cache", instance: "edge-1" });
    await using channel = await startChannel({ tls: { cert: certificate, key: privateKey } });
    const trusting = await run(wishOf(channel, { ca, forMs: 3_000 }));
    expect(trusting.shortfalls).toEqual([]);
    const report = await run(wishOf(channel, { forMs: 2_000 }));
    expect(report.shortfalls[0]).toContain("edge-1: no answer (UNABLE_TO_VERIFY_LEAF_SIGNATURE)");
  });

  test("asks nothing of a server that is no edge, and says so", async () => {
    await using elsewhere = await startChannel();
    await using channel = await startChannel({ segmentsAt: `${elsewhere.url}/live/c/` });
    const report = await run(wishOf(channel));
    expect(elsewhere.asked).toEqual([]);
    expect(report.passed).toBe(false);
    expect(report.shortfalls.join("\n")).toContain(
      `an address of another server: ${elsewhere.url}`,
    );
  });

  test("of a server that redirects elsewhere does not follow it", async () => {
    await using elsewhere = await startChannel();
    await using channel = await startChannel({
      answer: ({ url }, response) => {
        if (!url?.includes(".m4s")) return undefined;
        response.writeHead(302, { location: `${elsewhere.url}${url}` }).end();
        return true;
      },
    });
    const report = await run(wishOf(channel));
    expect(elsewhere.asked).toEqual([]);
    expect(report.shortfalls[0]).toMatch(/^segments: got none, expected some \(edge-1: no answer/);
  });

  test("ends at once when it is called off", async () => {
    await using channel = await startChannel();
    const abort = new AbortController();
    const running = run(wishOf(channel, { forMs: 60_000 }), abort.signal);
    const refused = expect(running).rejects.toThrow("called off");
    while (channel.asked.length === 0) await delay(50);
    abort.abort(new Error("called off"));
    await refused;
    const asked = channel.asked.length;
    await delay(1_500);
    expect(channel.asked).toHaveLength(asked);
  });

  test("that makes no sense is refused, with all that is wrong", async () => {
    await using channel = await startChannel();
    const wrong = run(
      wishOf(channel, {
        path: "//elsewhere/a.m3u8",
        players: 1_001,
        forMs: 10,
        edges: [{ name: "edge-1", publicUrl: "file:///etc/passwd" }],
        slo: { ...SLO, hitRate: 90 },
      }),
    );
    await expect(wrong).rejects.toThrow(OperatorError);
    const message = await wrong.catch((error: Error) => error.message);
    expect(message).toContain('path: got "//elsewhere/a.m3u8", expected that of a playlist');
    expect(message).toContain("players: got 1001, expected 1 to 1000");
    expect(message).toContain("forMs: got 10, expected 1000 to 3600000");
    expect(message).toContain("slo.hitRate: got 90, expected 0 to 1");
    expect(message).toContain('publicUrl of edge-1: got "file:///etc/passwd"');
    expect(channel.asked).toEqual([]);
  });

  test("ends with the process that asked for it, however that ends", async () => {
    await using channel = await startChannel();
    const wish = { ...wishOf(channel, { forMs: 60_000 }), numbers: [0, 1], players: 2 };
    const script = `import { runLoad } from ${JSON.stringify(new URL("load-process.ts", import.meta.url).href)};
      await runLoad(${JSON.stringify(wish)}, undefined, new AbortController().signal);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: "ignore",
    });
    while (channel.asked.length === 0) await delay(50);
    const children = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, "utf8");
    const [child = ""] = children.trim().split(" ");
    expect(isRunning(child)).toBe(true);
    parent.kill("SIGKILL");
    await once(parent, "exit");
    for (let tries = 0; tries < 100 && isRunning(child); tries++) await delay(100);
    expect(isRunning(child)).toBe(false);
  });
});

/** A zombie waits for nobody but init. */
function isRunning(processId: string): boolean {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}

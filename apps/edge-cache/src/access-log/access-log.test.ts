/** The access log of an edge, in this process and in one of its own. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { expect, test } from "vitest";

import { startEdge, startOrigin } from "../edge-cache.testing.ts";
import { accessLine } from "../core/access-line.ts";
import { edgeMetrics } from "../metrics.ts";
import { AccessLog } from "./access-log.ts";
import { logFile } from "./log-output.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const GOACCESS = process.env["GOACCESS"] ?? "/usr/bin/goaccess";
/** There, a program that is missing is a mistake. */
const IS_CI = process.env["CI"] === "true";

async function folder() {
  const path = await mkdtemp(join(tmpdir(), "glassline-access-"));
  const remove = () => rm(path, { recursive: true, force: true });
  return { path, file: join(path, "access.log"), [Symbol.asyncDispose]: remove };
}

const startMedia = () =>
  startOrigin(({ url }, response) =>
    response
      .setHeader("cache-control", "max-age=60")
      .writeHead(url === "/broken" ? 500 : 200)
      .end("media"),
  );

async function linesOf(path: string, count: number): Promise<string[]> {
  for (;;) {
    const text = await readFile(path, "utf8").catch(() => "");
    const lines = text.split("\n").slice(0, -1);
    if (lines.length >= count) return lines;
    await delay(20);
  }
}

test("a log that has grown makes room for a new one, and one older is kept", async () => {
  await using here = await folder();
  await using log = await logFile(here.file, createLogger("edge", "silent"), 100);
  const line = (text: string) => text.repeat(60);
  for (const text of ["a", "b", "c", "d", "e"]) await log.write([line(text)]);
  expect(await readFile(here.file, "utf8")).toBe(`${line("e")}\n`);
  expect(await readFile(`${here.file}.1`, "utf8")).toBe(`${line("c")}\n${line("d")}\n`);
});

test("each request is a line: how it was served, or why it was not", async () => {
  await using here = await folder();
  await using origin = await startMedia();
  const words = [`--access-log=${here.file}`, "--access-log-sample=1"];
  await using edge = await startEdge(origin.url, words);
  const base = `http://127.0.0.1:${edge.addresses.port}`;
  const headers = { "user-agent": 'a "b"', referer: "http://page/" };
  for (const path of ["/a.m4s", "/a.m4s", "/steering/c?_HLS_pathway=x", "/a%zz", "/broken"])
    await (await fetch(`${base}${path}`, { headers })).text();
  const lines = await linesOf(here.file, 5);
  const shown = lines.map((line) => line.replace(/\[[^\]]*\]/, "[]").replace(/"[\d.]+"$/, '"0"'));
  const rest = (result: string) => `"http://page/" "a \\x22b\\x22" "${result}" "0"`;
  const of = (what: string, result: string) => `127.0.0.1 - - [] "GET ${what} ${rest(result)}`;
  const steering = /HTTP\/1\.1" 200 (\d+)/.exec(lines[2]!)![1];
  const refused = /HTTP\/1\.1" 400 (\d+)/.exec(lines[3]!)![1];
  expect(shown).toEqual([
    of('/a.m4s HTTP/1.1" 200 5', "miss"),
    of('/a.m4s HTTP/1.1" 200 5', "hit"),
    of(`/steering/c?_HLS_pathway=x HTTP/1.1" 200 ${steering}`, "own"),
    of(`/a%zz HTTP/1.1" 400 ${refused}`, "refused"),
    of('/broken HTTP/1.1" 500 5', "miss"),
  ]);
  expect((await stat(here.file)).mode & 0o777).toBe(0o640);
});

test.skipIf(!existsSync(GOACCESS) && !IS_CI)("GoAccess reads each line of it", async () => {
  await using here = await folder();
  await using origin = await startMedia();
  const words = [`--access-log=${here.file}`, "--access-log-sample=1"];
  await using edge = await startEdge(origin.url, words);
  const headers = { "user-agent": 'a "b" \\ %', referer: 'http://page/"' };
  for (const path of ["/a.m4s", "/b%22.m4s?c=[d]", "/broken"])
    await (await fetch(`http://127.0.0.1:${edge.addresses.port}${path}`, { headers })).text();
  await linesOf(here.file, 3);
  expect(readByGoAccess(here.file)).toEqual({ valid: 3, failed: 0 });
});

/** What another reader of this format makes of it. */
function readByGoAccess(path: string): { valid: number; failed: number } {
  const format = '%h %^ %e [%d:%t %^] "%r" %s %b "%R" "%u" "%C" "%L"';
  const words = ["--log-format", format, "--date-format=%d/%b/%Y", "--time-format=%T"];
  const { stdout } = spawnSync(GOACCESS, [path, ...words, "--no-global-config", "-o", "json"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { general } = JSON.parse(stdout) as { general: Record<string, number> };
  return { valid: general["valid_requests"]!, failed: general["failed_requests"]! };
}

test("of a sample of nothing, only what the edge fails to answer is logged", async () => {
  await using here = await folder();
  await using origin = await startMedia();
  const words = [`--access-log=${here.file}`, "--access-log-sample=0"];
  await using edge = await startEdge(origin.url, words);
  const base = `http://127.0.0.1:${edge.addresses.port}`;
  for (const path of ["/a.m4s", "/broken", "/b.m4s"]) await (await fetch(`${base}${path}`)).text();
  expect((await linesOf(here.file, 1)).join()).toContain("/broken");
});

test("a moved file is opened anew at SIGHUP, and what waits is written at the end", async () => {
  await using here = await folder();
  await using origin = await startMedia();
  await using edge = await startProcess(origin.url, here.path, `--access-log=${here.file}`);
  await edge.get("/1.m4s");
  await linesOf(here.file, 1);
  const moved = join(here.path, "access.log.1");
  await rename(here.file, moved);
  await edge.get("/2.m4s");
  await linesOf(moved, 2);
  edge.child.kill("SIGHUP");
  await delay(50);
  await edge.get("/3.m4s");
  expect((await linesOf(here.file, 1)).join()).toContain("/3.m4s");
  await edge.get("/4.m4s");
  edge.child.kill("SIGTERM");
  await once(edge.child, "exit");
  expect(await linesOf(here.file, 2)).toHaveLength(2);
  expect((await readFile(moved, "utf8")).trimEnd().split("\n")).toHaveLength(2);
});

test("on standard output, lines stand between those of the process's own log", async () => {
  await using here = await folder();
  await using origin = await startMedia();
  await using edge = await startProcess(origin.url, here.path, "--access-log=-");
  for (let at = 0; at < 200; at++) await edge.get(`/${at}.m4s?${"x".repeat(500)}`);
  while ((edge.output().match(/"GET /g) ?? []).length < 200) await delay(20);
  const lines = edge.output().trimEnd().split("\n");
  expect(lines.every((line) => /^\{.*\}$|^127\.0\.0\.1 - - \[.*"$/.test(line))).toBe(true);
});

/** An edge that logs all. */
async function startProcess(origin: string, directory: string, ...words: readonly string[]) {
  const ports = ["--port=0", "--grpc-port=0", "--admin-port=0", `--pki-dir=${directory}/pki`];
  const given = [MAIN, `--origin=${origin}`, ...ports, "--access-log-sample=1", ...words];
  const child = spawn(process.execPath, given, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  const ready = () => /\{[^\n]*"port":(\d+)[^\n]*"msg":"ready"/.exec(text)?.[1];
  while (!ready()) await delay(20);
  const base = `http://127.0.0.1:${ready()}`;
  return {
    child,
    output: () => text,
    get: async (path: string) => (await fetch(`${base}${path}`)).text(),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

test("lines that nobody takes in time are dropped and counted, and so are those that cannot be written", async () => {
  const metrics = createMetrics("edge-cache");
  const first = Promise.withResolvers<void>();
  const written: number[] = [];
  const output = {
    write: async (lines: readonly string[]) => {
      written.push(lines.length);
      await first.promise;
      if (written.length === 2) throw new Error("disk full");
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const logger = createLogger("edge-cache", "silent");
  const deps = { output, sample: 1, random: Math.random, metrics: edgeMetrics(metrics), logger };
  const log = new AccessLog(deps);
  const entry = {
    timeMs: 0,
    remoteAddress: "::1",
    client: undefined,
    method: "GET",
    target: "/",
    httpVersion: "1.1",
    status: 200,
    sentBytes: 0,
    referer: undefined,
    userAgent: undefined,
    result: "hit",
    firstByteMs: 0,
  };
  const fit = Math.ceil(4_194_304 / accessLine(entry).length);
  log.add(entry);
  while (written.length === 0) await delay(10);
  for (let at = 0; at < fit + 7; at++) log.add(entry);
  first.resolve();
  await log[Symbol.asyncDispose]();
  log.add(entry);
  expect(written).toEqual([1, fit]);
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/access_log_dropped_total\{reason="queue_full"[^}]*\} 8\n/);
  expect(text).toMatch(
    new RegExp(`access_log_dropped_total\\{reason="write_failed"[^}]*\\} ${fit}\n`),
  );
});

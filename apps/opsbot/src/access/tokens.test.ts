import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { expect, onTestFinished, test, vi } from "vitest";

import { accessMetrics } from "./metrics.ts";
import { openTokens, readTokens, sha256Of } from "./token-store.ts";
import { makeToken } from "./token-tool.ts";

const TIMEOUT_MS = 10_000;

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-tokens-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function open(path: string) {
  const metrics = createMetrics("opsbot");
  const store = await openTokens(path, {
    clock: systemClock,
    logger: createLogger("opsbot", "silent"),
    metrics: accessMetrics(metrics),
  });
  onTestFinished(() => store[Symbol.dispose]());
  const counted = () => metrics.registry.metrics();
  return { store, counted };
}

const eventually = (expected: () => void | Promise<void>) =>
  vi.waitFor(expected, { timeout: TIMEOUT_MS, interval: 50 });

test("a token that was made lets its owner in, and no other does", async () => {
  const apiTokens = join(scratch(), "new folder", "tokens");
  const anna = await makeToken({ role: "operator", name: "anna", apiTokens });
  const grafana = await makeToken({ role: "viewer", name: "grafana", apiTokens });
  expect(anna).toMatch(/^glop_[\w-]{43}$/);
  expect(statSync(apiTokens).mode & 0o777).toBe(0o600);
  const text = readFileSync(apiTokens, "utf8");
  expect(text).not.toContain(anna.slice(5, 15));
  expect(existsSync(`${apiTokens}.new`)).toBe(false);
  const { store, counted } = await open(apiTokens);
  expect(store.find(anna)).toEqual({ name: "anna", role: "operator" });
  expect(store.find(grafana)).toEqual({ name: "grafana", role: "viewer" });
  for (const wrong of ["", "glop_", anna.slice(0, -1), `${anna} `, sha256Of(anna)])
    expect(store.find(wrong), wrong).toBeUndefined();
  expect(await counted()).toMatch(/opsbot_api_tokens\{.*\} 2$/m);
});

test("a name is used once, notes stay, and what was cut off half-way is not overwritten", async () => {
  const apiTokens = join(scratch(), "tokens");
  writeFileSync(apiTokens, "# the on-call", { mode: 0o600 });
  await makeToken({ role: "viewer", name: "anna", apiTokens });
  await expect(makeToken({ role: "admin", name: "anna", apiTokens })).rejects.toThrow(
    /^--name: got anna, expected a name that is not in/,
  );
  await expect(makeToken({ role: "admin", name: "<b>", apiTokens })).rejects.toThrow(
    /^--name: got "<b>", expected 1 to 64 letters/,
  );
  expect(existsSync(`${apiTokens}.new`)).toBe(false);
  const before = readFileSync(apiTokens, "utf8");
  expect(before).toMatch(/^# the on-call\nviewer anna [0-9a-f]{64}\n$/);
  writeFileSync(`${apiTokens}.new`, "");
  await expect(makeToken({ role: "admin", name: "bert", apiTokens })).rejects.toThrow(/cut off/);
  expect(readFileSync(apiTokens, "utf8")).toBe(before);
});

test("those who make tokens at once lose none", async () => {
  const apiTokens = join(scratch(), "tokens");
  const made = await Promise.allSettled(
    Array.from({ length: 8 }, (_, at) => makeToken({ role: "viewer", name: `n${at}`, apiTokens })),
  );
  const done = made.filter(({ status }) => status === "fulfilled").length;
  expect(done).toBeGreaterThan(0);
  expect((await readTokens(apiTokens))?.entries).toHaveLength(done);
});

test("a file that others may read, is too large, is wrong or is not there is refused", async () => {
  const path = join(scratch(), "tokens");
  await expect(open(path)).rejects.toThrow(/expected a file: `npm run token .*--api-tokens/);
  writeFileSync(path, "", { mode: 0o600 });
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(path, mode);
    await expect(open(path)).rejects.toThrow(
      `--api-tokens: ${path}: got mode 0${mode.toString(8)}, expected 0600`,
    );
  }
  chmodSync(path, 0o600);
  writeFileSync(path, "#".repeat(262_145));
  await expect(open(path)).rejects.toThrow("got 262145 bytes, expected at most 262144");
  writeFileSync(path, "admin anna secret");
  await expect(open(path)).rejects.toThrow(`--api-tokens: ${path}: line 1: hash: got 6 characters`);
});

test("a change of the file counts soon; a wrong one leaves what was, and a file that is gone lets nobody in", async () => {
  const apiTokens = join(scratch(), "tokens");
  const anna = await makeToken({ role: "operator", name: "anna", apiTokens });
  const { store, counted } = await open(apiTokens);
  const bert = await makeToken({ role: "admin", name: "bert", apiTokens });
  await eventually(() => expect(store.find(bert)?.role).toBe("admin"));
  expect(store.find(anna)?.role).toBe("operator");
  writeFileSync(apiTokens, "nonsense");
  await eventually(async () =>
    expect(await counted()).toMatch(/files_total\{result="refused".* 1$/m),
  );
  expect(store.find(bert)?.role).toBe("admin");
  writeFileSync(`${apiTokens}.other`, `viewer bert ${sha256Of(bert)}\n`, { mode: 0o600 });
  renameSync(`${apiTokens}.other`, apiTokens);
  await eventually(() => expect(store.find(bert)?.role).toBe("viewer"));
  expect(store.find(anna)).toBeUndefined();
  rmSync(apiTokens);
  await eventually(() => expect(store.find(bert)).toBeUndefined());
});

test("the command prints the token alone, and says the rest elsewhere", async () => {
  const apiTokens = join(scratch(), "tokens");
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, "../token-main.ts"), ...words], {
      encoding: "utf8",
      timeout: 30_000,
    });
  const made = run("--role=operator", "--name=anna", `--api-tokens=${apiTokens}`);
  expect(made).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^For anna, operator; /) as string,
  });
  expect(made.stdout).toMatch(/^glop_[\w-]{43}\n$/);
  expect(made.stderr).not.toContain(made.stdout.trim());
  const { store } = await open(apiTokens);
  expect(store.find(made.stdout.trim())).toEqual({ name: "anna", role: "operator" });
  expect(run("--role=operator", `--api-tokens=${apiTokens}`)).toMatchObject({
    status: 69,
    stdout: "",
  });
});

/** `glassline-opsbot` at a terminal, against a real gRPC server. */
import { fileURLToPath } from "node:url";

import { describe, expect, onTestFinished, test } from "vitest";

import type { Api } from "./api.testing.ts";
import { startApi } from "./api.testing.ts";
import { NO_KEYS, runAtTerminal } from "./terminal.testing.ts";

const MAIN = fileURLToPath(new URL("command-main.ts", import.meta.url));

async function openApi(): Promise<Api> {
  const api = await startApi();
  onTestFinished(() => api[Symbol.asyncDispose]());
  return api;
}

const destroy = ({ address, pkiDir }: Api, keys: string) =>
  runAtTerminal([MAIN, "destroy", "harbour", `--opsbot=${address}`, `--pki-dir=${pkiDir}`], keys);

describe("a channel is taken down", { timeout: 60_000 }, () => {
  test("when somebody presses y", async () => {
    const api = await openApi();
    const { code, output } = await destroy(api, "y\r");
    expect(output).toMatch(/Do this with harbour\? \[y\/N\] [^]*nothing of it is left/);
    expect([code, api.desk.changed.length]).toEqual([0, 1]);
  });

  test.each(NO_KEYS)("by nobody who presses %s", async (_key, keys) => {
    const api = await openApi();
    const { code } = await destroy(api, keys);
    expect([code, api.desk.changed]).toEqual([0, []]);
  });
});

/** The program on the command line, with a terminal and without one, against a real gRPC server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { describe, expect, onTestFinished, test } from "vitest";

import type { Api } from "./api.testing.ts";
import { startApi } from "./api.testing.ts";
import type { Ended } from "./terminal.testing.ts";
import { NO_KEYS, runAtTerminal } from "./terminal.testing.ts";

const MAIN = fileURLToPath(new URL("chat-main.ts", import.meta.url));

async function openApi(): Promise<Api> {
  const api = await startApi();
  onTestFinished(() => api[Symbol.asyncDispose]());
  return api;
}

const wordsOf = (
  { address, pkiDir }: Pick<Api, "address" | "pkiDir">,
  words: readonly string[],
) => [MAIN, `--opsbot=${address}`, `--pki-dir=${pkiDir}`, ...words];

/** Without a terminal. @param lines what is said on stdin. */
async function run(api: Api, words: readonly string[], lines = ""): Promise<Ended> {
  const child = spawn(process.execPath, wordsOf(api, words));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(lines);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

const atTerminal = (api: Api, words: readonly string[], keys: string) =>
  runAtTerminal(wordsOf(api, words), keys);

describe("words on the command line", { timeout: 60_000 }, () => {
  test("that only ask are answered", async () => {
    const { code, output } = await run(await openApi(), ["status"]);
    expect(output).toMatch(/^All 0 checks are OK\.\n/);
    expect(code).toBe(0);
  });

  test("that change something are told and not done where nobody can be asked", async () => {
    const api = await openApi();
    const { code, output } = await run(api, ["flush", "edge-1"]);
    expect(code).toBe(75);
    const [, yes] = /Say (yes [0-9a-f]{6}) to do it\.\n$/.exec(output)!;
    expect(api.desk.changed).toEqual([]);
    // A later call can agree.
    expect((await run(api, [yes!])).code).toBe(0);
    expect(api.desk.changed).toHaveLength(1);
  });

  test("are done at once with --yes", async () => {
    const api = await openApi();
    const { code, output } = await run(api, ["--yes", "flush", "edge-1"]);
    expect(output).toMatch(/^I will flush edge-1 .*\nedge-1: done\.\n$/);
    expect([code, api.desk.changed.length]).toEqual([0, 1]);
  });

  test("that are not understood, or refused, end with 1, also with --yes", async () => {
    const api = await openApi();
    for (const words of [["flush", "edge"], ["--yes", "flush", "edge-9"], ["yes"]])
      expect((await run(api, words)).code).toBe(1);
    expect(api.desk.changed).toEqual([]);
  });

  test("say where OpsBot was looked for when it is away", async () => {
    const { pkiDir } = await openApi();
    const { code, output } = await run({ address: "127.0.0.1:1", pkiDir } as Api, ["status"]);
    expect(code).toBe(69);
    expect(output).toMatch(/^no OpsBot answers at 127\.0\.0\.1:1\./);
  });
});

describe("at a terminal", { timeout: 60_000 }, () => {
  test("y does it", async () => {
    const api = await openApi();
    const { code, output } = await atTerminal(api, ["restart", "edge-1"], "y\r");
    expect(output).toMatch(/I will restart edge-1 [^]*Do it\? \[y\/N\] [^]*edge-1: done\./);
    expect([code, api.desk.changed.length]).toEqual([0, 1]);
  });

  test.each(NO_KEYS)("%s does nothing, and it is said", async (_key, keys) => {
    const api = await openApi();
    const { code, output } = await atTerminal(api, ["restart", "edge-1"], keys);
    expect(output).toContain("Nothing is done.");
    expect([code, api.desk.changed]).toEqual([75, []]);
  });

  test("what only asks is not asked back", async () => {
    const { code, output } = await atTerminal(await openApi(), ["status"], "");
    expect(output).not.toContain("[y/N]");
    expect(code).toBe(0);
  });
});

describe("a conversation", { timeout: 60_000 }, () => {
  test("plans and agrees a line at a time", async () => {
    const api = await openApi();
    const { code, output } = await run(api, [], "flush edge-1\nyes\n\nstop everything\n");
    expect(output).toMatch(/I will flush[^]*edge-1: done\.[^]*The kill switch is on/);
    expect(code).toBe(0);
    expect(api.desk.changed.map(({ change }) => change.kind)).toEqual(["act", "stop"]);
  });

  test("agrees to each line with --yes", async () => {
    const api = await openApi();
    expect((await run(api, ["--yes"], "flush edge-1\nrestart edge-2\n")).code).toBe(0);
    expect(api.desk.changed).toHaveLength(2);
  });
});

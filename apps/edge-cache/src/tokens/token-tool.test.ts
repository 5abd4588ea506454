import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { expect, test } from "vitest";

import { isRefused } from "../core/tokens.ts";
import { readKeySet } from "./key-set.ts";
import { program, runTool } from "./token-tool.ts";
import { testKeys } from "./tokens.testing.ts";
import { Verifier } from "./verifier.ts";

function run(words: readonly string[]) {
  const result = readConfig(program, { arguments: words, environment: {} });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  return runTool(result.config, Date.now());
}

test("makes keys, and tokens that an edge takes", async () => {
  await using folder = await testKeys();
  const [key, set] = [join(folder.directory, "key"), join(folder.directory, "set")];
  for (const path of [key, `${key}-2`])
    await run([`--key=${path}`, "--new-key", `--token-keys=${set}`]);
  expect((await stat(key)).mode & 0o777).toBe(0o600);
  expect(await readFile(set, "utf8")).not.toContain('"d"');
  const verifier = new Verifier(await readKeySet(set), "glassline", "harbour");
  for (const path of [key, `${key}-2`]) {
    const words = [`--key=${path}`, "--channel=cam-0001", "--client=anna", "--expires=2h"];
    const verified = verifier.verify(
      await run([...words, "--network=10.0.0.0/8", "--deployed-channel=harbour"]),
    );
    if (isRefused(verified)) throw new Error(verified.message);
    const { prefixes, client, tokenId, expiresS, issuedS, networks } = verified.claims;
    expect({ prefixes, client, networks }).toEqual({
      prefixes: ["/live/cam-0001/"],
      client: "anna",
      networks: ["10.0.0.0/8"],
    });
    expect(tokenId).toMatch(/^[\da-f-]{36}$/);
    expect(expiresS - issuedS).toBe(7_200);
  }
});

test("overwrites no key, and says what it lacks", async () => {
  await using folder = await testKeys();
  const key = join(folder.directory, "key");
  const make = [`--key=${key}`, "--new-key", `--token-keys=${folder.path}`];
  await run(make);
  await expect(run(make)).rejects.toThrow(/EEXIST/);
  await expect(run([`--key=${key}`, "--client=a"])).rejects.toThrow("--channel: got nothing");
  await expect(run([`--key=${key}`, "--channel=a"])).rejects.toThrow("--client: got nothing");
  const words = ["--channel=a", "--client=a"];
  await expect(run([`--key=${folder.path}`, ...words])).rejects.toThrow(/expected a private JWK/);
});

import { readConfig } from "@glassline/config";
import { expect, test } from "vitest";

import { program } from "../config.ts";
import { openLinks } from "./open-links.ts";

async function problemOf(...words: string[]): Promise<string> {
  const read = readConfig(program, { arguments: words, environment: {} });
  if (!("config" in read)) throw new Error("got help, expected a configuration");
  await using stack = new AsyncDisposableStack();
  const deps = { router: { incarnation: 1n, linkEvents: {} } } as unknown as Parameters<
    typeof openLinks
  >[1];
  return openLinks(read.config, deps, stack).then(
    () => "",
    (error: Error) => error.message,
  );
}

test("flags of links over UDP are refused where links run over gRPC", async () => {
  expect(await problemOf()).toBe("");
  expect(await problemOf("--mode=qkd-required")).toBe(
    "--mode: got qkd-required with --links grpc, expected --links udp",
  );
  expect(await problemOf("--tcp-port=7443")).toBe(
    "--tcp-port: got 7443 with --links grpc, expected --links udp",
  );
  expect(await problemOf("--fallback=node-2=localhost:7443")).toBe(
    "--fallback: got node-2 with --links grpc, expected --links udp",
  );
});

test("a fallback is for a neighbour that is dialled", async () => {
  const fallback = ["--links=udp", "--fallback=node-9=localhost:7443"];
  expect(await problemOf(...fallback)).toBe(
    "--fallback: got node-9, expected a neighbour of --peer: there is none",
  );
  expect(await problemOf(...fallback, "--peer=node-2=localhost:7421")).toBe(
    "--fallback: got node-9, expected a neighbour of --peer: node-2",
  );
});

test.each(["qkd-required", "otp"])("mode %s is refused without a key manager", async (mode) => {
  expect(await problemOf("--links=udp", `--mode=${mode}`)).toBe(
    `--mode ${mode}: got no --key-manager, expected one`,
  );
});

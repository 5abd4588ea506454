/** The tests of http-cache-tests, run against an address: its origin, its client, and what of its results is a disagreement. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { freePort } from "@glassline/bench/ports";

const FOLDER = dirname(createRequire(import.meta.url).resolve("http-cache-tests/package.json"));

/** By id: true, or what went wrong. */
export type Results = Readonly<Record<string, true | readonly [kind: string, message: string]>>;

export interface Judge extends AsyncDisposable {
  /** Of its origin. */
  port: number;
  /** @param base "http://127.0.0.1:8080". */
  run(base: string): Promise<Results>;
}

export async function startJudge(): Promise<Judge> {
  const port = await freePort();
  const settings = {
    protocol: "http",
    port: String(port),
    pidfile: join(tmpdir(), `judge-${process.pid}.pid`),
  };
  const server = node("server/server.mjs", settings);
  await once(server.stdout, "data");
  return {
    port,
    run: async (base) => {
      const client = node("cli.mjs", { base, id: "" });
      let text = "";
      client.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await once(client, "close");
      return JSON.parse(text) as Results;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.kill();
      await closed;
    },
  };
}

/** A program of the package, which takes its settings as npm passes them. */
function node(program: string, settings: Readonly<Record<string, string>>) {
  const variables = Object.entries(settings).flatMap(([name, value]) => [
    [`npm_config_${name}`, value],
    [`npm_package_config_${name}`, value],
  ]);
  return spawn(process.execPath, ["--no-warnings", program], {
    cwd: FOLDER,
    env: { ...process.env, ...Object.fromEntries(variables) },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

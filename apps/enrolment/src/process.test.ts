/** The service as a process of its own: what it acknowledged outlives SIGKILL, and no secret is in its log. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { EnrolmentService } from "@glassline/proto/enrolment";
import { readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { afterAll, beforeAll, expect, test } from "vitest";

import { plainChannel } from "./core/channels.testing.ts";
import { formOf, pathOf, profileIn } from "./enrolment.testing.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

let directory: string;
let child: ChildProcess | undefined;
let log = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "glassline-enrolment-"));
  await ensureDevelopmentPki(join(directory, "pki"), [
    { role: "enrolment", instance: "enrolment" },
    { role: "opsbot", instance: "opsbot" },
  ]);
});
afterAll(async () => {
  child?.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

/** Resolves when it is ready. */
async function start() {
  const words = [
    "--port=0",
    "--admin-port=0",
    "--public-port=0",
    "--log-level=debug",
    `--pki-dir=${join(directory, "pki")}`,
    `--data-dir=${join(directory, "data")}`,
  ];
  child = fork(MAIN, words, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const [{ ready }] = (await once(child, "message")) as [
    { ready: { port: number; publicPort: number } },
  ];
  const identity = await readIdentity(join(directory, "pki"), {
    role: "opsbot",
    instance: "opsbot",
  });
  const at = { name: "enrolment", host: "localhost", port: ready.port };
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${ready.publicPort}${path}`, { redirect: "manual", ...init });
  return { client: peerClient(EnrolmentService, at, "enrolment", identity), ask };
}

async function kill(): Promise<void> {
  const ended = once(child!, "exit");
  child!.kill("SIGKILL");
  await ended;
}

test(
  "what was acknowledged outlives SIGKILL, and secrets are in no log",
  { timeout: 120_000 },
  async () => {
    const wish = {
      channel: "harbour",
      deviceName: "Anna",
      idempotencyKey: "anna",
      fencingToken: 3n,
    };
    let url: string;
    {
      const { client } = await start();
      using _ = client;
      await client.putChannel({ channel: plainChannel(), fencingToken: 3n });
      ({ url } = await client.createLink(wish));
      await kill();
    }
    let profilePath: string;
    {
      const { client, ask } = await start();
      using _ = client;
      const again = await client.createLink(wish);
      expect([again.replayed, pathOf(again.url)]).toEqual([true, pathOf(url)]);
      await expect(client.createLink({ ...wish, fencingToken: 2n })).rejects.toThrow(/at least 3/);
      const form = formOf(await (await ask(pathOf(url))).text());
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const used = await ask(pathOf(url), { method: "POST", body: form, headers });
      profilePath = used.headers.get("location")!;
      await kill();
    }
    const { client, ask } = await start();
    using _ = client;
    expect((await ask(pathOf(url))).status).toBe(410);
    const profile = await ask(profilePath);
    const { token } = profileIn(Buffer.from(await profile.arrayBuffer()));
    const authorization = `Bearer ${token}`;
    expect((await ask("/watch/harbour/stream", { headers: { authorization } })).status).toBe(200);
    await kill();
    expect(log).toContain("a link was used");
    const secrets = [pathOf(url), profilePath].map((path) => path.split("/").at(-1)!);
    for (const secret of [...secrets, ...token.split(".").slice(1)])
      expect(log).not.toContain(secret);
  },
);

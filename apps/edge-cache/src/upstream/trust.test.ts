/** An edge in front of an origin over TLS that is none of Glassline's. */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";

import { OperatorError } from "@glassline/service/errors";
import type { Role } from "@glassline/service/identity";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test } from "vitest";

import { startEdge } from "../edge-cache.testing.ts";

/** Its certificate is for localhost and 127.0.0.1. */
async function startTlsOrigin({ role = "origin" as Role, requestCert = false } = {}) {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-trust-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const issue = await ephemeralPki();
  const { certificate, privateKey, ca } = await issue({ role, instance: "example" });
  const caFile = join(directory, "ca.pem");
  await writeFile(caFile, ca);
  /** What clients say of themselves. */
  const shown: { servername: unknown; hasCertificate: boolean }[] = [];
  const tls = { cert: certificate, key: privateKey, requestCert, rejectUnauthorized: false };
  const server = createServer(tls, ({ socket }, response) => {
    const { servername, getPeerCertificate } = socket as TLSSocket & { servername?: unknown };
    const peer = getPeerCertificate.call(socket as TLSSocket);
    shown.push({ servername, hasCertificate: Object.keys(peer).length > 0 });
    response.setHeader("cache-control", "max-age=60").end("hello");
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const owned = stack.move();
  return {
    port: (server.address() as AddressInfo).port,
    issue,
    directory,
    caFile,
    shown,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function answerOf(...given: Parameters<typeof startEdge>) {
  await using edge = await startEdge(...given);
  const answer = await fetch(`http://127.0.0.1:${edge.addresses.port}/file`);
  return { status: answer.status, text: await answer.text() };
}

test("its certificate is judged by the system's authorities and those of --origin-ca, and it is shown none", async () => {
  await using origin = await startTlsOrigin({ requestCert: true });
  const { port, caFile, shown } = origin;
  const refused = await answerOf(`https://localhost:${port}`);
  expect(refused).toMatchObject({ status: 502, text: expect.stringContaining("(untrusted)") });
  expect(shown).toEqual([]);
  const words = [`--origin-ca=${caFile}`];
  expect(await answerOf(`https://localhost:${port}`, words)).toEqual({
    status: 200,
    text: "hello",
  });
  expect(shown).toEqual([{ servername: "localhost", hasCertificate: false }]);
});

test("its certificate must have the name or the address that it is asked by", async () => {
  await using origin = await startTlsOrigin();
  const words = [`--origin-ca=${origin.caFile}`];
  expect(await answerOf(`https://127.0.0.1:${origin.port}`, words)).toMatchObject({ status: 200 });
  expect(await answerOf(`https://127.0.0.2:${origin.port}`, words)).toMatchObject({
    status: 502,
    text: expect.stringContaining("(untrusted)"),
  });
});

test("Glassline's is known by its role, whatever the address; another process of the network is refused", async () => {
  const words = ["--origin-trust=network"];
  await using origin = await startTlsOrigin({ requestCert: true });
  const { issue } = origin;
  const address = `https://127.0.0.2:${origin.port}`;
  expect(await answerOf(address, words, { issue })).toMatchObject({ status: 200 });
  expect(origin.shown).toEqual([{ servername: "localhost", hasCertificate: true }]);
  await using other = await startTlsOrigin({ role: "collector" });
  const refused = await answerOf(`https://localhost:${other.port}`, words, { issue: other.issue });
  expect(refused).toMatchObject({ status: 502, text: expect.stringContaining("(untrusted)") });
});

test("authorities that cannot be read, and an origin without TLS that the network's shall judge, end the start", async () => {
  await using origin = await startTlsOrigin();
  const { port, directory } = origin;
  const broken = join(directory, "broken.pem");
  await writeFile(broken, "nothing");
  for (const file of [broken, join(directory, "missing.pem")])
    await expect(startEdge(`https://localhost:${port}`, [`--origin-ca=${file}`])).rejects.toThrow(
      OperatorError,
    );
  const plain = startEdge("http://127.0.0.1:1", ["--origin-trust=network"]);
  await expect(plain).rejects.toThrow(/--origin/);
});

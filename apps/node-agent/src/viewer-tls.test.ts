/** Real edges that serve viewers by TLS, as processes and in containers. */
import { copyFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";

import { freePorts } from "@glassline/bench/ports";
import { EdgeCacheService } from "@glassline/proto/edge";
import { jsonClient } from "@glassline/proto/json";
import { ContainerDriver } from "@glassline/proto/node";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { edgeSpec, makePki, startAgent } from "./agent.testing.ts";
import { driverName } from "./core/driver-kind.ts";
import { describeWith } from "./drivers/container-engines.testing.ts";
import { keepViewerPair } from "./drivers/viewer-pair.ts";

const PATIENT = { timeout: 30_000, interval: 100 };
const { NODE_EXTRA_CA_CERTS: trusted } = process.env;

let pki: Awaited<ReturnType<typeof makePki>>;
let folder: string;
let ca: string;

beforeAll(async () => {
  pki = await makePki();
  folder = await mkdtemp(join(tmpdir(), "glassline-viewers-"));
  ca = await readFile(join(pki.directory, "ca.pem"), "utf8");
  // Of a private authority, which the agent is told of.
  process.env["NODE_EXTRA_CA_CERTS"] = join(pki.directory, "ca.pem");
});
afterAll(async () => {
  if (trusted === undefined) delete process.env["NODE_EXTRA_CA_CERTS"];
  else process.env["NODE_EXTRA_CA_CERTS"] = trusted;
  await rm(folder, { recursive: true, force: true });
  await pki[Symbol.asyncDispose]();
});

/** Makes the agent's pair that of another name, for the same host. @returns its flags. */
async function show(edge: string): Promise<string[]> {
  for (const end of ["pem", "key"])
    await copyFile(join(pki.directory, `edge-cache.${edge}.${end}`), join(folder, end));
  return [`--viewer-cert=${join(folder, "pem")}`, `--viewer-key=${join(folder, "key")}`];
}

/** Asks an edge as a viewer does. @returns the status, and whose certificate was shown. */
async function ask(port: number) {
  const request = get({ host: "localhost", port, path: "/live/none.m3u8", ca, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const { subject } = (response.socket as TLSSocket).getPeerCertificate();
  response.resume();
  return { status: response.statusCode, shown: subject.CN };
}

const DRIVERS = [
  [ContainerDriver.PROCESS, describe],
  [ContainerDriver.RUNC, describeWith("runc")],
] as const;

for (const [driver, describeIt] of DRIVERS)
  describeIt(`edges by ${driverName(driver)}`, { timeout: 120_000 }, () => {
    test("show viewers the agent's certificate, and each new one, and find each other", async () => {
      await using agent = await startAgent(1, pki.directory, ...(await show("edge-1")));
      expect((await agent.status()).machineStates).toMatchObject([{ viewerTls: true }]);
      const ports = await freePorts(6);
      const edges = [1, 2].map((number) => {
        const urlOf = (at: number) => `https://localhost:${ports[3 * at - 3]}`;
        const peers = [{ name: `edge-${3 - number}`, publicUrl: urlOf(3 - number) }];
        return edgeSpec(number, ports.slice(3 * number - 3), {
          machine: "machine-1",
          publicUrl: urlOf(number),
          viewerTls: true,
          peers,
          container: { driver },
        });
      });
      await agent.client.setDesiredState({ fencingToken: 1n, edges });
      for (const { port, adminPort } of edges) {
        const admin = jsonClient(EdgeCacheService, `http://127.0.0.1:${adminPort}`);
        await expect
          .poll(async () => (await admin.getStatus({}).catch(() => undefined))?.peers, PATIENT)
          .toMatchObject([{ reachable: true }]);
        expect(await ask(port)).toEqual({ status: 502, shown: "edge-cache edge-1" });
      }
      const before = (await agent.status()).edges.map(({ processId }) => processId);
      const allShow = async (edge: string) => {
        for (const { port } of edges)
          await expect
            .poll(() => ask(port), PATIENT)
            .toMatchObject({ shown: `edge-cache ${edge}` });
      };
      await show("edge-2");
      await allShow("edge-2");
      await agent.end("SIGKILL");
      await show("edge-3");
      await agent.start();
      await allShow("edge-3");
      expect((await agent.status()).edges.map(({ processId }) => processId)).toEqual(before);
      const copy = await stat(join(agent.dataDir, "viewers", "pair.pem"));
      expect(copy.mode & 0o777).toBe(0o600);
    });
  });

describe("an agent", { timeout: 60_000 }, () => {
  test("without a certificate for viewers starts no edge that needs it", async () => {
    await using agent = await startAgent(1, pki.directory);
    const edge = edgeSpec(1, await freePorts(3), { viewerTls: true });
    const wish = (publicUrl: string) =>
      agent.client.setDesiredState({ fencingToken: 1n, edges: [{ ...edge, publicUrl }] });
    await expect(wish("http://localhost:1")).rejects.toThrow(
      'public_url of edge-1: got "http://localhost:1", expected https://HOST:PORT',
    );
    await wish("https://localhost:1");
    const { waitsFor } = await agent.edge("edge-1", (state) => state.waitsFor !== "");
    expect(waitsFor).toBe("certificate for viewers (--viewer-cert)");
  });

  test.each([
    [["pem", ""], "--viewer-cert and --viewer-key: got the certificate alone, expected both"],
    [["", "key"], "--viewer-cert and --viewer-key: got the key alone, expected both or none"],
    [["pem", "none"], /^--viewer-key: got .*none, expected a file in PEM: there is no such file$/],
    [["key", "key"], /^--viewer-cert: got .*key, expected a certificate in PEM/],
  ])("does not start with what is no pair: %j", async ([cert, key], expected) => {
    await show("edge-1");
    const pathOf = (name = "") => (name === "" ? "" : join(folder, name));
    const settings = { viewerCert: pathOf(cert), viewerKey: pathOf(key), dataDir: folder };
    await using stack = new AsyncDisposableStack();
    const deps = { clock: systemClock, logger: createLogger("test", "silent") };
    await expect(keepViewerPair(settings, deps, stack)).rejects.toThrow(expected);
  });
});

import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";

import { createClient, addService } from "@glassline/proto/rpc";
import { MeshAdminService } from "@glassline/proto/mesh";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Identity } from "./identity.ts";
import { peerNameOf, readIdentity } from "./identity.ts";
import { hasFreshIdentity, isOwnPki } from "./pki-state.ts";
import { ensureDevelopmentPki, ephemeralPki } from "./pki.ts";
import {
  TLS_CHANNEL_OPTIONS,
  mutualTlsClient,
  mutualTlsServer,
  requirePeer,
  tlsOptions,
} from "./tls.ts";

const NODE = { role: "mesh-node", instance: "node-1" } as const;

describe("the development CA", () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-pki-"))));
  afterEach(() => rm(directory, { recursive: true }));

  test("makes certificates that name role and instance, with keys that only the owner reads", async () => {
    await ensureDevelopmentPki(directory, [NODE]);
    const identity = await readIdentity(directory, NODE);
    const certificate = new X509Certificate(identity.certificate);
    expect(peerNameOf(certificate.subjectAltName)).toEqual(NODE);
    expect(certificate.verify(new X509Certificate(identity.ca).publicKey)).toBe(true);
    expect((await stat(join(directory, "mesh-node.node-1.key"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "ca.key"))).mode & 0o777).toBe(0o600);
  });

  test("is made where there is none, and not where that of others is", async () => {
    expect(await isOwnPki(join(directory, "not-there"))).toBe(true);
    await ensureDevelopmentPki(directory, [NODE]);
    expect(await isOwnPki(directory)).toBe(true);
    expect(await hasFreshIdentity(directory, NODE)).toBe(true);
    expect(await hasFreshIdentity(directory, { ...NODE, instance: "other" })).toBe(false);
    await rm(join(directory, "ca.key"));
    expect(await isOwnPki(directory)).toBe(false);
  });

  test("keeps what is there, and makes a certificate anew when its CA is another", async () => {
    await ensureDevelopmentPki(directory, [NODE]);
    const first = await readIdentity(directory, NODE);
    await ensureDevelopmentPki(directory, [NODE]);
    expect(await readIdentity(directory, NODE)).toEqual(first);
    await writeFile(
      join(directory, "mesh-node.node-1.pem"),
      await readFile(join(directory, "ca.pem"), "utf8"),
    );
    await ensureDevelopmentPki(directory, [{ role: "camera", instance: "agent-1" }]);
    expect((await readIdentity(directory, { role: "camera", instance: "agent-1" })).ca).toBe(
      first.ca,
    );
  });

  test("a missing certificate is an error that says where and what to do", async () => {
    await expect(readIdentity(directory, NODE)).rejects.toThrow(
      /mesh-node node-1: cannot read .*ENOENT.*--pki-dir/,
    );
  });
});

describe("mutual TLS", () => {
  let issue: (name: {
    role: "mesh-node" | "camera" | "collector";
    instance: string;
  }) => Promise<Identity>;
  let server: grpc.Server;
  let port: number;

  beforeEach(async () => {
    issue = await ephemeralPki();
    server = new grpc.Server();
    addService(server, MeshAdminService, {
      getStatus: async () => ({ node: "node-1" }),
      restartLink: async () => ({}),
      rotateKeys: async () => ({}),
    });
    const credentials = mutualTlsServer(await issue(NODE));
    port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
  });
  afterEach(() => server.forceShutdown());

  async function status(identity: Identity, instance: string, host = "localhost") {
    const credentials = mutualTlsClient(identity, "mesh-node", instance);
    using client = createClient(
      MeshAdminService,
      `${host}:${port}`,
      credentials,
      TLS_CHANNEL_OPTIONS,
    );
    return await client.getStatus({}, { timeoutMs: 3_000 });
  }

  test("lets our own processes in, by name and by address", async () => {
    const camera = await issue({ role: "camera", instance: "agent-1" });
    expect((await status(camera, "node-1")).node).toBe("node-1");
    expect((await status(camera, "node-1", "127.0.0.1")).node).toBe("node-1");
  });

  test("turns away a client of another CA, and a server with another name", async () => {
    const stranger = await (await ephemeralPki())({ role: "camera", instance: "agent-1" });
    await expect(status(stranger, "node-1")).rejects.toThrow();
    const camera = await issue({ role: "camera", instance: "agent-1" });
    await expect(status(camera, "node-2")).rejects.toThrow(/expected mesh-node node-2/);
  });

  test("agrees on TLS 1.3 with X25519MLKEM768 and refuses TLS 1.2", async () => {
    const options = tlsOptions(await issue({ role: "camera", instance: "agent-1" }));
    const open = (extra: object) =>
      new Promise<TLSSocket>((resolve, reject) => {
        const socket = connect(
          { port, servername: "localhost", ALPNProtocols: ["h2"], ...options, ...extra },
          () => resolve(socket),
        );
        socket.on("error", reject);
      });
    const socket = await open({});
    expect(socket.getProtocol()).toBe("TLSv1.3");
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: "X25519MLKEM768" });
    socket.destroy();
    await expect(open({ minVersion: "TLSv1.2", maxVersion: "TLSv1.2" })).rejects.toThrow();
    await expect(open({ ecdhCurve: "X25519" })).rejects.toThrow();
  });

  test("requirePeer names who may call", () => {
    const call = (subjectaltname: string) => ({
      getAuthContext: () => ({ sslPeerCertificate: { subjectaltname } }),
    });
    const peer = requirePeer(
      call("URI:spiffe://glassline/camera/agent-1, DNS:localhost") as never,
      ["camera"],
    );
    expect(peer).toEqual({ role: "camera", instance: "agent-1" });
    expect(() => requirePeer(call("DNS:localhost") as never, ["camera"])).toThrow(
      /no certificate of this network/,
    );
    expect(() =>
      requirePeer(call("URI:spiffe://glassline/dashboard/page") as never, ["camera"]),
    ).toThrow(/dashboard page may not call this, expected camera/);
  });
});

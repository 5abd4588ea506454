/** What OpsBot may do to a link, asked at either end of one between two real nodes; between them a wire that keeps the first bytes. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";

import { readConfig } from "@glassline/config";
import { MeshAdminService } from "@glassline/proto/mesh";
import type { Client } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import type { PeerName } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { peerClient } from "@glassline/service/peer-client";
import { ephemeralPki } from "@glassline/service/pki";
import { trace } from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { program } from "./config.ts";
import type { MeshNode } from "./mesh-node.ts";
import { startMeshNode } from "./mesh-node.ts";

const OPSBOT: PeerName = { role: "opsbot", instance: "opsbot" };
type Admin = Client<typeof MeshAdminService>;

let stack: AsyncDisposableStack;
let issue: Awaited<ReturnType<typeof ephemeralPki>>;
/** Of each connection of the link, the first bytes. */
let hellos: Buffer[];
/** New connections are cut at once. */
let isCut: boolean;
let accepting: MeshNode;
/** node-1 dials node-2. */
let dialler: Admin;
let acceptor: Admin;

async function startNode(name: string, words: readonly string[] = []): Promise<MeshNode> {
  const own = [`--name=${name}`, "--port=0", "--admin-port=0", ...words];
  const result = readConfig(program, { arguments: own, environment: {} });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  return startMeshNode(result.config, {
    identity: await issue({ role: "mesh-node", instance: name }),
    clock: systemClock,
    random: Math.random,
    logger: createLogger(name, "silent"),
    metrics: createMetrics(name),
    stopping: new AbortController().signal,
    tracerProvider: trace.getTracerProvider(),
  });
}

async function adminOf({ addresses }: MeshNode, as = OPSBOT): Promise<Admin> {
  const endpoint = { host: "localhost", port: addresses.port };
  return stack.use(peerClient(MeshAdminService, endpoint, "mesh-node", await issue(as)));
}

/** @returns the port of a wire to another port. */
async function wire(port: number): Promise<number> {
  const server = createServer((from) => {
    if (isCut) return void from.destroy();
    const to = connect(port, "127.0.0.1");
    from.once("data", (first: Buffer) => hellos.push(first));
    from.pipe(to).pipe(from);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const)
      one.on("error", () => other.destroy());
    stack.defer(() => void [from, to].forEach((socket) => socket.destroy()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  issue = await ephemeralPki();
  hellos = [];
  isCut = false;
  accepting = stack.use(await startNode("node-2"));
  const port = await wire(accepting.addresses.port);
  const dialling = stack.use(await startNode("node-1", [`--peer=node-2=localhost:${port}`]));
  [dialler, acceptor] = [await adminOf(dialling), await adminOf(accepting)];
  await eventually(async () => (await upSince(dialler)) > 0n && (await upSince(acceptor)) > 0n);
});
afterEach(() => stack.disposeAsync());

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await isSo()) return;
    await systemClock.sleep(10);
  }
  throw new Error("expected within 5 s");
}

/** Unix nanoseconds; 0: there is no link. */
const upSince = async (admin: Admin): Promise<bigint> =>
  (await admin.getStatus({})).links[0]?.upSinceUnixNano ?? 0n;

/** Resolves when both ends have a link that came up later than those. */
async function isAnew(before: readonly [bigint, bigint]): Promise<void> {
  await eventually(
    async () => (await upSince(dialler)) > before[0] && (await upSince(acceptor)) > before[1],
  );
}

const since = async () => [await upSince(dialler), await upSince(acceptor)] as const;
const caller = (idempotencyKey: string, fencingToken = 1n) => ({ idempotencyKey, fencingToken });

const GROUP = 0x11_ec;
const SHARE_BYTES = 1_216;

/** The client's key share of X25519MLKEM768. Source: draft-ietf-tls-ecdhe-mlkem, sections 4.1 and 5. */
function keyShareOf(hello: Buffer): string {
  const head = Buffer.from([GROUP >> 8, GROUP & 255, SHARE_BYTES >> 8, SHARE_BYTES & 255]);
  const at = hello.indexOf(head);
  if (at < 0) throw new Error("expected a key share of X25519MLKEM768 in the ClientHello");
  return hello.subarray(at + 4, at + 4 + SHARE_BYTES).toString("hex");
}

describe("a link", { timeout: 30_000 }, () => {
  test.each([
    ["dialling", () => dialler, "node-2"],
    ["accepting", () => acceptor, "node-1"],
  ])("is restarted at its %s end, once a key", async (_end, admin, neighbour) => {
    const before = await since();
    const request = { neighbour, ...caller("k1") };
    expect(await admin().restartLink(request)).toMatchObject({ replayed: false });
    await isAnew(before);
    expect(hellos.length).toBe(2);
    const after = await since();
    expect(await admin().restartLink(request)).toMatchObject({ replayed: true });
    await systemClock.sleep(300);
    expect(await since()).toEqual(after);
  });

  test("gets new keys at its dialling end without being away", async () => {
    const before = await since();
    const over = new AbortController();
    const seen: number[] = [];
    const looking = (async () => {
      while (!over.signal.aborted)
        for (const admin of [dialler, acceptor])
          seen.push((await admin.getStatus({})).links.length);
    })();
    for (const key of ["k1", "k2", "k3"])
      expect(await dialler.rotateKeys({ neighbour: "node-2", ...caller(key) })).toMatchObject({
        uninterrupted: true,
        replayed: false,
      });
    await isAnew(before);
    // The connections that were left are closed by then.
    await systemClock.sleep(800);
    over.abort();
    await looking;
    expect(new Set(seen)).toEqual(new Set([1]));
    expect(hellos.length).toBe(4);
    expect(new Set(hellos.map(keyShareOf)).size).toBe(4);
    const { links } = await dialler.getStatus({});
    expect(links).toMatchObject([{ dialled: true, keyExchange: "X25519MLKEM768" }]);
    expect((await acceptor.getStatus({})).links).toMatchObject([{ dialled: false }]);
    // It is kept as any other: when it ends it is dialled again.
    const later = await since();
    await acceptor.restartLink({ neighbour: "node-1", ...caller("k4") });
    await isAnew(later);
    expect(hellos.length).toBe(5);
  });

  test("gets new keys at its accepting end by a new connection", async () => {
    const before = await since();
    const request = { neighbour: "node-1", ...caller("k1") };
    expect(await acceptor.rotateKeys(request)).toMatchObject({ uninterrupted: false });
    await isAnew(before);
    expect(new Set(hellos.map(keyShareOf)).size).toBe(2);
  });

  test("stays as it is when there is no new connection", async () => {
    const before = await since();
    isCut = true;
    await expect(
      dialler.rotateKeys({ neighbour: "node-2", ...caller("k1") }),
    ).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(
        "no new connection to node-2, the old one goes on",
      ) as string,
    });
    expect(await since()).toEqual(before);
    isCut = false;
    const again = await dialler.rotateKeys({ neighbour: "node-2", ...caller("k1") });
    expect(again).toMatchObject({ uninterrupted: true, replayed: false });
  });
});

describe("is refused", () => {
  test("what is asked of a link that is not there, with the names there are", async () => {
    await expect(
      dialler.restartLink({ neighbour: "node-9", ...caller("k1") }),
    ).rejects.toMatchObject({
      code: "not_found",
      message: 'neighbour: got "node-9", expected one of node-2',
    });
    await expect(acceptor.rotateKeys({ neighbour: "", ...caller("k1") })).rejects.toMatchObject({
      code: "not_found",
    });
    const alone = await adminOf(stack.use(await startNode("node-3")));
    await expect(alone.restartLink({ neighbour: "node-1", ...caller("k1") })).rejects.toThrow(
      "expected none, as no link is up",
    );
  });

  test("who is not OpsBot, and an OpsBot that another has taken over from", async () => {
    const before = await since();
    const request = { neighbour: "node-1", ...caller("k1", 5n) };
    for (const role of ["operator", "mesh-node", "dashboard"] as const) {
      const other = await adminOf(accepting, { role, instance: "other" });
      for (const call of [other.restartLink(request), other.rotateKeys(request)])
        await expect(call).rejects.toMatchObject({ code: "permission_denied" });
    }
    const url = `http://localhost:${accepting.addresses.adminPort}/glassline.mesh.v1alpha1.MeshAdminService/RestartLink`;
    const json = { "content-type": "application/json" };
    const body = JSON.stringify({ neighbour: "node-1", idempotencyKey: "k1", fencingToken: "5" });
    expect((await fetch(url, { method: "POST", headers: json, body })).status).toBe(401);
    expect(await since()).toEqual(before);

    await acceptor.rotateKeys(request);
    await isAnew(before);
    const after = await since();
    const lower = { neighbour: "node-1", ...caller("k2", 4n) };
    for (const call of [acceptor.restartLink(lower), acceptor.rotateKeys(lower)])
      await expect(call).rejects.toMatchObject({ code: "failed_precondition" });
    await expect(
      acceptor.restartLink({ neighbour: "node-1", ...caller("k3", 0n) }),
    ).rejects.toThrow("fencing_token: got 0, expected at least 1");
    expect(await since()).toEqual(after);
  });
});

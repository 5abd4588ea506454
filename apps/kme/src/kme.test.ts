import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { testWithProgram } from "@glassline/bench/programs/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import type { Pair } from "./kme.testing.ts";
import { startPair } from "./kme.testing.ts";

const run = promisify(execFile);
const CURL = process.env["CURL"] ?? "/usr/bin/curl";

/** Until kme-1 has so many keys of 256 bits. */
async function untilStored(pair: Pair, count: number): Promise<void> {
  const node = await pair.sae("node-1", 0);
  await vi.waitFor(async () =>
    expect((await node.status("node-2")).storedKeyCount).toBeGreaterThanOrEqual(count),
  );
}

describe("two key managers and their link", () => {
  let pair: Pair;

  beforeAll(async () => {
    pair = await startPair();
    await untilStored(pair, 20);
  });

  afterAll(() => pair[Symbol.asyncDispose]());

  test("both SAEs have the same keys, each once", async () => {
    const [one, two] = [await pair.sae("node-1", 0), await pair.sae("node-2", 1)];
    const keys = await one.newKeys("node-2", { number: 3, sizeBits: 256 });
    expect(keys.map(({ key }) => key.length)).toEqual([32, 32, 32]);
    expect(new Set(keys.map(({ key }) => Buffer.from(key).toString("hex"))).size).toBe(3);
    const ids = keys.map(({ id }) => id);
    expect(await two.keysById("node-1", ids)).toEqual(keys);
    await expect(two.keysById("node-1", ids)).rejects.toMatchObject({
      problem: "refused",
      message: "key manager kme-2: 400 (one or more keys specified are not found on KME)",
    });
  });

  test("the other end gives keys away, too, at the same time", async () => {
    const [one, two] = [await pair.sae("node-1", 0), await pair.sae("node-2", 1)];
    const [ours, theirs] = await Promise.all([
      one.newKeys("node-2", { number: 2 }),
      two.newKeys("node-1", { number: 2 }),
    ]);
    const idsOf = (keys: typeof ours) => keys.map(({ id }) => id);
    expect(await two.keysById("node-1", idsOf(ours))).toEqual(ours);
    expect(await one.keysById("node-2", idsOf(theirs))).toEqual(theirs);
  });

  test("a key is only for whom it was made", async () => {
    const [one, two] = [await pair.sae("node-1", 0), await pair.sae("node-2", 1)];
    const three = await pair.sae("node-3", 1);
    const [{ id } = { id: "" }] = await one.newKeys("node-2");
    for (const asking of [three.keysById("node-1", [id]), two.keysById("node-3", [id])])
      await expect(asking).rejects.toMatchObject({ problem: "unauthorized" });
    // It was not lost by that.
    expect(await two.keysById("node-1", [id])).toHaveLength(1);
    const stranger = await pair.sae("node-9", 0);
    await expect(stranger.newKeys("node-2")).rejects.toMatchObject({ problem: "unauthorized" });
    const elsewhere = await pair.sae("node-2", 0);
    await expect(elsewhere.newKeys("node-1")).rejects.toMatchObject({ problem: "unauthorized" });
  });

  test("several slaves may have the same keys, each once", async () => {
    const one = await pair.sae("node-1", 0);
    const [two, three] = [await pair.sae("node-2", 1), await pair.sae("node-3", 1)];
    const keys = await one.newKeys("node-2", { additionalSlaveSaeIds: ["node-3"] });
    const ids = keys.map(({ id }) => id);
    for (const slave of [two, three]) {
      expect(await slave.keysById("node-1", ids)).toEqual(keys);
      await expect(slave.keysById("node-1", ids)).rejects.toMatchObject({ problem: "refused" });
    }
    const [alone] = await one.newKeys("node-2");
    await expect(three.keysById("node-1", [alone!.id])).rejects.toMatchObject({
      problem: "unauthorized",
    });
    for (const strange of ["node-1", "nobody"])
      await expect(one.newKeys("node-2", { additionalSlaveSaeIds: [strange] })).rejects.toThrow(
        `got "${strange}", expected SAEs of kme-2`,
      );
    const many = Array.from({ length: 17 }, (_, at) => `node-${at}`);
    await expect(one.newKeys("node-2", { additionalSlaveSaeIds: many })).rejects.toThrow("got 17");
  });

  test("one id that is not there, and none of the others is given away", async () => {
    const [one, two] = [await pair.sae("node-1", 0), await pair.sae("node-2", 1)];
    const [{ id } = { id: "" }] = await one.newKeys("node-2");
    const nobodys = "00000000-0000-4000-8000-000000000000";
    await expect(two.keysById("node-1", [id, nobodys])).rejects.toMatchObject({
      problem: "refused",
    });
    expect(await two.keysById("node-1", [id])).toHaveLength(1);
  });

  test("status tells what there is, in bits", async () => {
    const one = await pair.sae("node-1", 0);
    const { storedKeyCount, extension, ...status } = await one.status("node-2");
    expect(storedKeyCount).toBeGreaterThan(0);
    expect(extension!.qber).toBeGreaterThan(0);
    expect(extension!.qber).toBeLessThan(0.05);
    expect(status).toEqual({
      sourceKmeId: "kme-1",
      targetKmeId: "kme-2",
      masterSaeId: "node-1",
      slaveSaeId: "node-2",
      keySizeBits: 256,
      maxKeyCount: 2_048,
      maxKeysPerRequest: 128,
      maxKeySizeBits: 8_192,
      minKeySizeBits: 8,
      maxSaeIdCount: 16,
    });
  });

  test("what nobody asks for goes, and is counted", async () => {
    const [one, two] = [await pair.sae("node-1", 0), await pair.sae("node-2", 1)];
    const [{ id } = { id: "" }] = await one.newKeys("node-2");
    pair.wait(11 * 60_000);
    await expect(two.keysById("node-1", [id])).rejects.toMatchObject({ problem: "refused" });
    expect(await pair.metrics[1].registry.metrics()).toMatch(
      /glassline_kme_waiting_keys_dropped_total\{reason="late",app="kme"\} [1-9]/,
    );
  });

  describe("in the words of the standard", () => {
    let folder = "";

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "glassline-sae-"));
      const { ca, certificate, privateKey } = await pair.issue({
        role: "mesh-node",
        instance: "node-1",
      });
      await writeFile(join(folder, "ca"), ca);
      await writeFile(join(folder, "cert"), certificate);
      await writeFile(join(folder, "key"), privateKey);
    });

    afterAll(() => rm(folder, { recursive: true }));

    const curl = async (path: string, ...more: readonly string[]) => {
      const { port } = pair.kmes[0].addresses;
      const url = `https://localhost:${port}/api/v1/keys/${path}`;
      const files = ["--cacert", "ca", "--cert", "cert", "--key", "key"];
      const words = ["-s", ...files, "-w", "\n%{http_code}", ...more, url];
      const { stdout } = await run(CURL, words, { cwd: folder });
      const [, body, status] = /^([^]*)\n(\d+)$/.exec(stdout) ?? [];
      return { status: Number(status), body: body === "" ? undefined : JSON.parse(body!) };
    };
    const post = (body: unknown) => [
      "-H",
      "content-type: application/json",
      "-d",
      JSON.stringify(body),
    ];

    testWithProgram(CURL)("GET and POST ask for the same", async () => {
      for (const asked of [
        await curl("node-2/enc_keys?number=2&size=128"),
        await curl("node-2/enc_keys", ...post({ number: 2, size: 128 })),
      ]) {
        expect(asked.status).toBe(200);
        const { keys } = asked.body as { keys: { key_ID: string; key: string }[] };
        expect(keys).toHaveLength(2);
        for (const { key_ID: id, key } of keys) {
          expect(id).toMatch(/^[\da-f-]{36}$/);
          expect(Buffer.from(key, "base64")).toHaveLength(16);
        }
      }
      expect((await curl("node-2/status")).body).toMatchObject({ key_size: 256 });
    });

    testWithProgram(CURL)("what cannot be is refused in its words", async () => {
      const said = async (path: string, ...more: readonly string[]) => {
        const { status, body } = await curl(path, ...more);
        return [status, (body as { message?: string } | undefined)?.message];
      };
      expect(await said("node-2/enc_keys?size=100")).toEqual([
        400,
        "size shall be a multiple of 8",
      ]);
      const mandatory = post({ extension_mandatory: [{ abc_route_type: "direct" }] });
      expect(await said("node-2/enc_keys", ...mandatory)).toEqual([
        400,
        "not all extension_mandatory parameters are supported",
      ]);
      const nobodys = post({ key_IDs: [{ key_ID: "00000000-0000-4000-8000-000000000000" }] });
      expect(await said("node-2/dec_keys", ...nobodys)).toEqual([
        400,
        "one or more keys specified are not found on KME",
      ]);
      for (const path of [
        "node-9/enc_keys",
        "node-2/enc_keys?number=0",
        "node-2/enc_keys?number=1000",
        "node-2/enc_keys?size=16384",
        "node-2/enc_keys?colour=red",
        "node-2/other",
        "%zz/enc_keys",
        "node-2/dec_keys",
      ])
        expect(await said(path)).toEqual([400, expect.stringMatching(/\S/)]);
      expect((await said("node-2/enc_keys", "-d", "{"))[0]).toBe(400);
      expect((await said("node-2/enc_keys", ...post([])))[0]).toBe(400);
      expect((await said("node-2/enc_keys", ...post({ extension_optional: [{ a: 1 }] })))[0]).toBe(
        200,
      );
    });

    testWithProgram(CURL)("nobody without a certificate is heard", async () => {
      const { port } = pair.kmes[0].addresses;
      const asking = run(CURL, ["-s", "-k", `https://localhost:${port}/api/v1/keys/node-2/status`]);
      await expect(asking).rejects.toMatchObject({ stdout: "" });
    });
  });
});

test("keys may come from entangled pairs", async () => {
  const pair = await startPair("--protocol=e91", "--fidelity=0.97");
  onTestFinished(() => pair[Symbol.asyncDispose]());
  await untilStored(pair, 1);
  const [one, two] = [await pair.sae("node-1", 0), await pair.sae("node-2", 1)];
  const keys = await one.newKeys("node-2");
  expect(
    await two.keysById(
      "node-1",
      keys.map(({ id }) => id),
    ),
  ).toEqual(keys);
  const admin = await pair.admin(0);
  const { chsh } = (await admin.getStatus({})).links[0]!;
  expect(chsh).toBeGreaterThan(2.5);
});

test("more than there is comes later: until then 503", async () => {
  const pair = await startPair("--frame-interval=1h");
  onTestFinished(() => pair[Symbol.asyncDispose]());
  const one = await pair.sae("node-1", 0);
  await expect(one.newKeys("node-2")).rejects.toMatchObject({ problem: "unavailable" });
});

test("when one end has gone nothing is given away any more", async () => {
  const pair = await startPair();
  onTestFinished(() => pair[Symbol.asyncDispose]());
  await untilStored(pair, 1);
  await pair.stop(1);
  const one = await pair.sae("node-1", 0);
  await vi.waitFor(() => expect(one.newKeys("node-2")).rejects.toThrow("no quantum link to kme-2"));
  expect((await one.status("node-2")).storedKeyCount).toBe(0);
});

test("who listens makes a quarter of the bits wrong: there are no keys until he has gone", async () => {
  const pair = await startPair("--eavesdropper=1");
  onTestFinished(() => pair[Symbol.asyncDispose]());
  const admin = await pair.admin(0);
  const linkOf = async () => (await admin.getStatus({})).links[0]!;
  await vi.waitFor(async () => expect((await linkOf()).refusedBlocks).toBeGreaterThan(1n));
  expect(await linkOf()).toMatchObject({ isUp: true, source: "sim", blocks: 0n, storedBytes: 0n });
  await admin.setEavesdropper({ peer: "kme-2", share: 0 });
  await vi.waitFor(async () => expect((await linkOf()).blocks).toBeGreaterThan(0n));
  expect((await linkOf()).qber).toBeLessThan(0.05);
  const refused = (await pair.admin(1)).setEavesdropper({ peer: "kme-1", share: 0 });
  await expect(refused).rejects.toThrow("sends the light: ask it");
  await expect(admin.setEavesdropper({ peer: "kme-2", share: 2 })).rejects.toThrow("got 2");
  await expect(admin.setEavesdropper({ peer: "kme-7", share: 0 })).rejects.toThrow("kme-7");
});

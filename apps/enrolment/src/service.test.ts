import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { DevicePhase } from "@glassline/proto/enrolment";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { fullChannel, plainChannel } from "./core/channels.testing.ts";
import type { TestService } from "./enrolment.testing.ts";
import { formOf, pathOf, startService } from "./enrolment.testing.ts";
import { drawIcon } from "./icons/draw-icon.ts";
import { storeFileOf } from "./stores/enrolment-store.ts";

const DAY_MS = 86_400_000;
let service: TestService;
beforeEach(async () => (service = await startService()));
afterEach(() => service[Symbol.asyncDispose]());

const put = (channel = plainChannel(), fencingToken = 1n) =>
  service.client.putChannel({ channel, fencingToken });
let keys = 0;
const link = (deviceName = "Anna's iPhone", more: object = {}) =>
  service.client.createLink({
    channel: "harbour",
    deviceName,
    idempotencyKey: `key-${keys++}`,
    fencingToken: 1n,
    ...more,
  });
const devices = async () => (await service.client.listDevices({ channel: "harbour" })).devices;
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("channels", () => {
  test("are put once, replaced and removed, and are there after a restart", async () => {
    expect(await put()).toMatchObject({ changed: true });
    expect(await put()).toMatchObject({ changed: false });
    expect(await put({ ...plainChannel(), title: "Harbour at night" })).toMatchObject({
      changed: true,
    });
    await service.restart();
    const { channels, publicUrl, tokenKeys, fencingToken } = await service.client.getStatus({});
    expect(channels.map(({ title }) => title)).toEqual(["Harbour at night"]);
    expect(publicUrl).toMatch(/^http:\/\/localhost:\d+$/);
    expect(fencingToken).toBe(1n);
    expect(JSON.parse(tokenKeys)).toMatchObject({
      keys: [{ kty: "EC", crv: "P-256", use: "sig" }],
    });
    expect(tokenKeys).not.toContain('"d"');
    const gone = { channel: "harbour", fencingToken: 1n };
    expect(await service.client.removeChannel(gone)).toMatchObject({ changed: true });
    expect(await service.client.removeChannel(gone)).toMatchObject({ changed: false });
    await expect(devices()).rejects.toEqual(refused("not_found", /harbour/));
  });

  test("are refused when they are wrong, or their secrets are not there", async () => {
    await expect(service.client.putChannel({ fencingToken: 1n })).rejects.toEqual(
      refused("invalid_argument", /channel: got nothing/),
    );
    await expect(put({ ...plainChannel(), path: "x" })).rejects.toEqual(
      refused("invalid_argument", /channel.path/),
    );
    await expect(put(fullChannel())).rejects.toEqual(
      refused("failed_precondition", /secrets\/vpn: cannot be read/),
    );
    await mkdir(join(service.dataDir, "secrets"));
    writeFileSync(join(service.dataDir, "secrets/vpn"), "shared\n");
    writeFileSync(join(service.dataDir, "secrets/wifi"), "\n");
    await expect(put(fullChannel())).rejects.toEqual(
      refused("failed_precondition", /wifi: got 0 characters/),
    );
    writeFileSync(join(service.dataDir, "secrets/wifi"), "password");
    expect(await put(fullChannel())).toMatchObject({ changed: true });
  });
});

test("an icon is shown when its channel was taken, and not when it was refused", async () => {
  const shown = async () =>
    Buffer.from(await (await service.get("/watch/harbour/icon.png")).arrayBuffer());
  const [first, second] = [drawIcon("first"), drawIcon("second")];
  await put({ ...plainChannel(), icon: first }, 7n);
  await expect(put({ ...plainChannel(), icon: second }, 6n)).rejects.toEqual(
    refused("failed_precondition", /at least 7/),
  );
  expect(first.equals(await shown())).toBe(true);
  await put({ ...plainChannel(), icon: second }, 7n);
  expect(second.equals(await shown())).toBe(true);
});

describe("who may change something", () => {
  test("OpsBot, with a fencing token that is not lower than one seen before", async () => {
    await put(plainChannel(), 7n);
    await expect(put(plainChannel(), 6n)).rejects.toEqual(
      refused("failed_precondition", /got 6, expected at least 7/),
    );
    await expect(put(plainChannel(), 0n)).rejects.toEqual(
      refused("invalid_argument", /fencing_token: got 0/),
    );
    await service.restart();
    await expect(put(plainChannel(), 6n)).rejects.toEqual(
      refused("failed_precondition", /at least 7/),
    );
  });

  test("operators, who have no token, and nobody else", async () => {
    const channel = plainChannel();
    const byOperator = await service.clientOf("operator").putChannel({ channel });
    expect(byOperator).toMatchObject({ changed: true });
    const other = service.clientOf("dashboard");
    await expect(other.putChannel({ channel })).rejects.toEqual(
      refused("permission_denied", /expected opsbot or operator/),
    );
    expect((await other.getStatus({})).channels).toHaveLength(1);
    const { adminPort } = service.enrolment.addresses;
    const path = "/glassline.enrolment.v1alpha1.EnrolmentService";
    const byHttp = (method: string) =>
      fetch(`http://127.0.0.1:${adminPort}${path}/${method}`, {
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json" },
      });
    expect((await byHttp("GetStatus")).status).toBe(200);
    expect((await byHttp("CreateLink")).status).toBe(404);
  });
});

describe("links", () => {
  beforeEach(() => put());

  test("are made once a key, also after a restart", async () => {
    const wish = { idempotencyKey: "once" };
    const first = await link("Anna", wish);
    expect(first).toMatchObject({
      replayed: false,
      device: expect.stringMatching(/^dev-[0-9a-f]{24}$/),
    });
    expect(await link("Anna", wish)).toEqual({ ...first, replayed: true });
    await service.restart();
    expect((await link("Anna", wish)).device).toBe(first.device);
    await expect(link("Ben", wish)).rejects.toEqual(refused("invalid_argument", /idempotency_key/));
    expect(await devices()).toHaveLength(1);
  });

  test("have a QR code that says the same, for pictures and terminals", async () => {
    const { url, qrSvg, qrText } = await link();
    expect(pathOf(url)).toMatch(/^\/enrol\/[\w-]{43}$/);
    expect(qrSvg).toMatch(/^<svg /);
    expect(qrSvg).not.toMatch(/<script|<!--/);
    expect(qrText.split("\n").length).toBeGreaterThan(15);
    expect(`${qrSvg}${qrText}`).not.toContain("enrol");
  });

  test("end after their time, and so does a device that did not use its", async () => {
    const { expiresUnixNano } = await link("Anna", { lifetimeMs: 60_000n });
    expect(Number(expiresUnixNano / 1_000_000n) - Date.now()).toBeLessThanOrEqual(60_000);
    expect((await devices())[0]!.phase).toBe(DevicePhase.INVITED);
    service.wait(60_001);
    expect((await devices())[0]!.phase).toBe(DevicePhase.EXPIRED);
    await link("Anna");
    expect((await devices()).map(({ phase }) => phase)).toEqual([DevicePhase.INVITED]);
  });

  test.each([
    [{ deviceName: "" }, /device_name/],
    [{ deviceName: "a\u0007b" }, /device_name/],
    [{ lifetimeMs: 1n }, /lifetime_ms/],
    [{ idempotencyKey: "" }, /idempotency_key/],
  ])("are refused for a wrong %#", async (wrong, message) => {
    await expect(link("Anna", wrong)).rejects.toEqual(refused("invalid_argument", message));
  });

  test("are refused for a channel that is not known, and nothing is written down", async () => {
    const wish = { channel: "garden", idempotencyKey: "first refused" };
    await expect(link("Anna", wish)).rejects.toEqual(refused("not_found", /garden/));
    await put({ ...plainChannel(), name: "garden" });
    expect(await link("Anna", wish)).toMatchObject({ replayed: false });
  });

  test("are nowhere on disk: only hashes are", async () => {
    const { url } = await link();
    const secret = pathOf(url).split("/").at(-1)!;
    const page = await (await service.get(pathOf(url))).text();
    const { headers } = await service.post(pathOf(url), formOf(page));
    const session = headers.get("location")!.split("/").at(-1)!;
    const files = readdirSync(service.dataDir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    expect(files.length).toBeGreaterThan(4);
    for (const text of [secret, session])
      expect(files.filter((file) => file.includes(text))).toEqual([]);
    const database = [storeFileOf(service.dataDir), `${storeFileOf(service.dataDir)}-wal`].map(
      (path) => readFileSync(path),
    );
    const hashed = createHash("sha256").update(session).digest();
    expect(database.some((file) => file.includes(hashed))).toBe(true);
  });
});

describe("devices", () => {
  beforeEach(() => put());

  test("are revoked once, get nothing more, and are another device when they are invited again", async () => {
    const { url, device } = await link("Anna");
    const revoke = (idempotencyKey: string) =>
      service.client.revokeDevice({ channel: "harbour", device, idempotencyKey, fencingToken: 1n });
    expect(await revoke("r1")).toMatchObject({ changed: true, subject: device });
    expect(await revoke("r1")).toMatchObject({ changed: true, subject: device });
    expect(await revoke("r2")).toMatchObject({ changed: false, subject: device });
    expect((await devices())[0]!.phase).toBe(DevicePhase.REVOKED);
    expect((await service.get(pathOf(url))).status).toBe(410);
    const listed = await service.client.listDevices({ channel: "harbour", revoked: true });
    expect(listed.devices.map(({ id }) => id)).toEqual([device]);
    const counts = async () => (await service.client.getStatus({})).revokedDevices;
    expect(await counts()).toEqual({ harbour: 1 });
    const again = await link("Anna");
    expect(await counts()).toEqual({ harbour: 1 });
    expect(again.device).not.toBe(device);
    expect((await service.get(pathOf(again.url))).status).toBe(200);
    const unknown = { channel: "garden", device, idempotencyKey: "r3", fencingToken: 1n };
    await expect(service.client.revokeDevice(unknown)).rejects.toEqual(
      refused("not_found", /garden/),
    );
  });

  test("of a channel that was removed are revoked when it is there again: they have tokens still", async () => {
    const [enrolled, invited] = [await link("Anna"), await link("Bert")];
    const page = await (await service.get(pathOf(enrolled.url))).text();
    await service.post(pathOf(enrolled.url), formOf(page));
    await service.client.removeChannel({ channel: "harbour", fencingToken: 1n });
    await service.restart();
    await put();
    const listed = await service.client.listDevices({ channel: "harbour", revoked: true });
    expect(listed.devices.map(({ id }) => id)).toEqual([enrolled.device]);
    expect((await service.client.getStatus({})).revokedDevices).toEqual({ harbour: 1 });
    // Links are gone, and who was only invited has no token.
    for (const { url } of [enrolled, invited])
      expect((await service.get(pathOf(url))).status).toBe(404);
    expect((await link("Anna")).device).not.toBe(enrolled.device);
    service.wait(32 * DAY_MS);
    await service.restart();
    expect((await service.client.getStatus({})).revokedDevices).toEqual({});
  });

  test("that are invited anew are not forgotten, however long ago their token has ended", async () => {
    const first = await link("Anna");
    const page = await (await service.get(pathOf(first.url))).text();
    await service.post(pathOf(first.url), formOf(page));
    const { expiresUnixNano } = (await devices())[0]!;
    service.wait(Number(expiresUnixNano / 1_000_000n) - Date.now() + 31 * DAY_MS - 60_000);
    const again = await link("Anna");
    expect(again.device).toBe(first.device);
    service.wait(120_000);
    await service.restart();
    expect((await devices()).map(({ id }) => id)).toEqual([first.device]);
    expect((await service.get(pathOf(again.url))).status).toBe(200);
    service.wait(32 * DAY_MS + 60_000);
    await service.restart();
    expect(await devices()).toEqual([]);
  });

  test("are forgotten a month after they count no more", async () => {
    const { device } = await link("Anna");
    await link("Ben", { lifetimeMs: BigInt(31 * DAY_MS) });
    await service.client.revokeDevice({
      channel: "harbour",
      device,
      idempotencyKey: "r",
      fencingToken: 1n,
    });
    service.wait(31 * DAY_MS + 3_600_000);
    await service.restart();
    expect((await devices()).map(({ name }) => name)).toEqual(["Ben"]);
  });
});

describe("tokens for test loads", () => {
  test("open a channel for a while, and belong to no device", async () => {
    await put();
    const channel = "harbour";
    const { token, expiresUnixNano } = await service.client.issueToken({ channel });
    const [, claims = ""] = token.split(".");
    const { sub, exp, deployed_channel } = JSON.parse(
      Buffer.from(claims, "base64url").toString(),
    ) as { sub: string; exp: number; deployed_channel: string };
    expect(deployed_channel).toBe(channel);
    expect(sub).toMatch(/^opsbot-/);
    expect(BigInt(exp) * 1_000_000_000n).toBe(expiresUnixNano);
    expect(await devices()).toEqual([]);
  });

  test("are refused for a channel that is not known, and for longer than an hour", async () => {
    await expect(service.client.issueToken({ channel: "harbour" })).rejects.toEqual(
      refused("not_found", /harbour/),
    );
    await put();
    await expect(
      service.client.issueToken({ channel: "harbour", lifetimeMs: 3_600_001n }),
    ).rejects.toEqual(refused("invalid_argument", /lifetime_ms: got "?3600001/));
  });
});

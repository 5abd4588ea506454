import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { join } from "node:path";

import { DevicePhase } from "@glassline/proto/enrolment";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { fullChannel, plainChannel } from "../core/channels.testing.ts";
import {
  openssl,
  readByPython,
  readPlist,
  testWithOpenssl,
  testWithPython,
} from "../plist.testing.ts";
import type { TestService } from "../enrolment.testing.ts";
import { formOf, pathOf, profileIn, startService } from "../enrolment.testing.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
let service: TestService;
let keys = 0;

const begin = async (...words: readonly string[]) => {
  service = await startService(...words);
  await service.client.putChannel({ channel: plainChannel(), fencingToken: 1n });
};
const link = async (deviceName = "Anna's <iPhone>") => {
  const wish = {
    channel: "harbour",
    deviceName,
    idempotencyKey: `key-${keys++}`,
    fencingToken: 1n,
  };
  const { url, device } = await service.client.createLink(wish);
  return { path: pathOf(url), device };
};
/** Opens a link, taps its button, and gives where the profile is. */
const tap = async (path: string) => {
  const form = formOf(await (await service.get(path)).text());
  const answer = await service.post(path, form);
  return { answer, form, profilePath: answer.headers.get("location") ?? "" };
};
/** Asked by a host name, which fetch does not choose. */
const statusByName = (path: string, host: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const { publicPort: port } = service.enrolment.addresses;
    const ask = getHttp({ port, path, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    ask.on("error", reject);
  });
const fetched = async (path: string) => Buffer.from(await (await service.get(path)).arrayBuffer());

afterEach(() => service[Symbol.asyncDispose]());

describe("a link", () => {
  beforeEach(() => begin());

  test("opens a page that says what is installed, by whom, for whom and until when", async () => {
    const { path } = await link();
    const page = await (await service.get(path)).text();
    for (const text of [
      "Harbour live",
      "from Harbour Authority",
      "Anna&#39;s &lt;iPhone&gt;",
      "A button on your Home Screen",
      "in 23 hours",
      "Profile Downloaded",
      "Not Verified",
    ])
      expect(page).toContain(text);
    expect(page).not.toContain("<script");
    expect(page).not.toContain(path);
  });

  test("is not used by looking at it, is used once by its button, and gives the profile", async () => {
    const { path, device } = await link();
    for (let look = 0; look < 3; look++) expect((await service.get(path)).status).toBe(200);
    const { answer, profilePath } = await tap(path);
    expect(answer.status).toBe(303);
    const profile = await service.get(profilePath);
    expect(profile.headers.get("content-type")).toBe("application/x-apple-aspen-config");
    expect(profile.headers.get("content-disposition")).toContain("harbour.mobileconfig");
    const { text, watchUrl, token } = profileIn(Buffer.from(await profile.arrayBuffer()));
    expect(readPlist(text)).toMatchObject({ PayloadIdentifier: "net.glassline.port.harbour" });
    expect(watchUrl.pathname).toBe("/watch/harbour");
    const claims = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as {
      exp: number;
    };
    expect(claims).toMatchObject({ sub: device, channel: ["/live/cam-0001/"], aud: "glassline" });
    expect(claims).toMatchObject({ deployed_channel: "harbour" });
    const [enrolled] = (await service.client.listDevices({ channel: "harbour" })).devices;
    expect(enrolled).toMatchObject({ id: device, phase: DevicePhase.ENROLLED });
    expect(Number(enrolled!.expiresUnixNano / 1_000_000_000n)).toBe(claims.exp);
    const used = await service.get(path);
    expect([used.status, await used.text()]).toEqual([410, expect.stringContaining("was used")]);
    expect((await tapAgain(path, (await link("Ben")).path)).status).toBe(410);
  });

  /** With the form of another page. */
  const tapAgain = async (path: string, other: string) =>
    service.post(path, formOf(await (await service.get(other)).text()));

  test("gives the profile again for ten minutes to the page that used it, and to no other", async () => {
    const { path } = await link();
    const { answer, form, profilePath } = await tap(path);
    const twice = await service.post(path, form);
    expect([twice.status, twice.headers.get("location")]).toEqual([303, profilePath]);
    const [cookie = ""] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/; Path=\/enrol\/; Max-Age=600; HttpOnly; SameSite=Strict$/);
    const own = { cookie: cookie.split(";")[0]! };
    expect(await (await service.get(path, own)).text()).toContain("Get the profile again");
    expect((await service.get(path)).status).toBe(410);
    service.wait(9 * MINUTE_MS);
    const [first, second] = [
      profileIn(await fetched(profilePath)),
      profileIn(await fetched(profilePath)),
    ];
    const without = ({ text, token }: typeof first) => text.replace(token, "TOKEN");
    expect(without(first)).toBe(without(second));
    service.wait(MINUTE_MS);
    for (const asked of [
      service.get(profilePath),
      service.get(path, own),
      service.post(path, form),
    ])
      expect((await asked).status).toBe(410);
  });

  test("counts no more when it has expired, was replaced, or its device was revoked", async () => {
    const replaced = await link();
    const { path, device } = await link();
    expect((await service.get(replaced.path)).status).toBe(404);
    const { profilePath, form } = await tap(path);
    const expired = await link("Ben");
    const late = formOf(await (await service.get(expired.path)).text());
    await service.client.revokeDevice({
      channel: "harbour",
      device,
      idempotencyKey: "r",
      fencingToken: 1n,
    });
    for (const asked of [service.get(path), service.get(profilePath), service.post(path, form)]) {
      const answer = await asked;
      expect([answer.status, await answer.text()]).toEqual([
        410,
        expect.stringContaining("counts no more"),
      ]);
    }
    service.wait(DAY_MS);
    for (const asked of [service.get(expired.path), service.post(expired.path, late)]) {
      const answer = await asked;
      expect([answer.status, await answer.text()]).toEqual([
        410,
        expect.stringContaining("expired"),
      ]);
    }
    await service.client.removeChannel({ channel: "harbour", fencingToken: 1n });
    expect((await service.get(path)).status).toBe(404);
  });

  test.each([
    "/enrol/x",
    `/enrol/${"A".repeat(43)}`,
    `/profile/${"A".repeat(43)}`,
    "/enrol/%00",
    "/",
    "/watch/garden",
  ])("that is none gets a page that says so: %s", async (path) => {
    const answer = await service.get(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
  });

  test("is not used by a form that is not its page's", async () => {
    const { path } = await link();
    for (const body of ["", "page=short", `page=${"!".repeat(43)}`])
      expect((await service.post(path, body)).status).toBe(400);
    expect((await service.post(path, `page=${"A".repeat(2_000)}`)).status).toBe(413);
    const elsewhere = { origin: "https://elsewhere.example" };
    const form = formOf(await (await service.get(path)).text());
    expect((await service.post(path, form, elsewhere)).status).toBe(403);
    expect((await service.get(path)).status).toBe(200);
  });

  test("is told to nobody: not kept, not in a Referer, not in a frame, not by another name", async () => {
    const { path } = await link();
    const { profilePath } = await tap(path);
    for (const answer of [await service.get(path), await service.get(profilePath)]) {
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "cache-control": "no-store",
        "referrer-policy": "strict-origin",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex, nofollow",
      });
      expect(answer.headers.get("strict-transport-security")).toBeNull();
    }
    const { headers } = await service.get((await link("Ben")).path);
    expect(headers.get("content-security-policy")).toMatch(
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    expect(await statusByName(path, "evil.example")).toBe(421);
    expect(await statusByName(path, "localhost")).toBe(410);
  });
});

describe("a profile", () => {
  testWithOpenssl()("is verified by OpenSSL and read by Python", { timeout: 60_000 }, async () => {
    await begin();
    const { profilePath } = await tap((await link()).path);
    const [signed, content, ca] = ["signed", "content", "ca.pem"].map((name) =>
      join(service.dataDir, name),
    );
    writeFileSync(signed!, await fetched(profilePath));
    const chain = readFileSync(join(service.dataDir, "signer/signer.pem"), "utf8");
    writeFileSync(ca!, chain.slice(chain.lastIndexOf("-----BEGIN")));
    openssl(
      "cms",
      "-verify",
      "-inform",
      "DER",
      "-in",
      signed!,
      "-CAfile",
      ca!,
      "-purpose",
      "any",
      "-out",
      content!,
    );
    const plist = readFileSync(content!);
    expect(plist.toString()).toBe(profileIn(readFileSync(signed!)).text);
  });

  testWithPython()("with every gateway is the same for Python", { timeout: 60_000 }, async () => {
    await begin();
    const folder = join(service.dataDir, "secrets");
    mkdirSync(folder);
    writeFileSync(join(folder, "vpn"), "s<e>cret\n");
    writeFileSync(join(folder, "wifi"), "pässwörd");
    await service.client.putChannel({ channel: fullChannel(), fencingToken: 1n });
    const { profilePath } = await tap((await link()).path);
    const { text } = profileIn(await fetched(profilePath));
    expect(readByPython([text])).toEqual([readPlist(text)]);
    expect(text).toContain("<string>s&lt;e&gt;cret</string>");
    expect(text).toContain("<string>pässwörd</string>");
  });

  test("is not made when the signer has expired: the link stays, and the service is not ready", async () => {
    await begin();
    await service.client.putChannel({
      channel: { ...plainChannel(), linkLifetimeMs: BigInt(31 * DAY_MS) },
      fencingToken: 1n,
    });
    service.wait(367 * DAY_MS);
    const { path } = await link();
    service.wait(31 * DAY_MS - MINUTE_MS);
    const { answer } = await tap(path);
    expect([answer.status, await answer.text()]).toEqual([
      503,
      expect.stringContaining("The link is still good"),
    ]);
    const { adminPort } = service.enrolment.addresses;
    const ready = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringMatching(/expired at/)]);
    expect((await service.get(path)).status).toBe(200);
    await service.restart();
    expect((await tap(path)).answer.status).toBe(303);
  });
});

describe("the watch page", () => {
  beforeEach(() => begin());
  const tokenOf = async () => {
    const { path, device } = await link();
    const { profilePath } = await tap(path);
    return { token: profileIn(await fetched(profilePath)).token, device };
  };
  const asked = (token?: string, channel = "harbour") =>
    service.get(
      `/watch/${channel}/stream`,
      token === undefined ? {} : { authorization: `Bearer ${token}` },
    );

  test("may fetch from the channel's edges and from nowhere else", async () => {
    const answer = await service.get("/watch/harbour");
    expect(answer.headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' http://localhost:7471 http://localhost:7472; media-src blob: http://localhost:7471 http://localhost:7472; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
    const page = await answer.text();
    for (const [, path] of page.matchAll(/(?:src|href|data-hls)="([^"]+)"/g)) {
      const file = await service.get(path!);
      expect([path, file.status]).toEqual([path, 200]);
      if (path!.startsWith("/assets/"))
        expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    }
  });

  test("is told what to play by a device's token", async () => {
    const { token } = await tokenOf();
    expect(await (await asked(token)).json()).toEqual({
      title: "Harbour live",
      description: "The harbour, as its cameras see it.",
      sources: [
        { edge: "edge-1", url: "http://localhost:7471/live/cam-0001/index.m3u8" },
        { edge: "edge-2", url: "http://localhost:7472/live/cam-0001/index.m3u8" },
      ],
      expiresUnixMs: expect.any(Number),
    });
  });

  test("is told why a token does not count", async () => {
    const { token, device } = await tokenOf();
    const problem = async (answer: Promise<Response>) => {
      const { status } = await answer;
      return [status, ((await (await answer).json()) as { problem: string }).problem];
    };
    await service.client.putChannel({
      channel: { ...plainChannel(), name: "garden" },
      fencingToken: 1n,
    });
    expect(await problem(asked())).toEqual([401, "no_token"]);
    expect(await problem(asked(`${token}x`))).toEqual([403, "bad_token"]);
    expect(await problem(asked(token, "garden"))).toEqual([403, "bad_token"]);
    service.wait(30 * DAY_MS);
    expect(await problem(asked(token))).toEqual([403, "expired"]);
    await service.client.revokeDevice({
      channel: "harbour",
      device,
      idempotencyKey: "w",
      fencingToken: 1n,
    });
    expect(await problem(asked(token))).toEqual([403, "revoked"]);
  });
});

describe("the server", () => {
  test("lets each client ask so often, and tells when it may ask again", async () => {
    await begin("--client-rate=1", "--client-burst=3");
    const { path } = await link();
    const answers = [];
    for (let ask = 0; ask < 5; ask++) answers.push(await service.get(path));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    expect(answers[4]!.headers.get("retry-after")).toBe("1");
    service.wait(1_000);
    expect((await service.get(path)).status).toBe(200);
  });

  testWithOpenssl()("speaks TLS with a certificate, and says so to browsers", async () => {
    service = await startService();
    const [key, cert] = ["tls.key", "tls.pem"].map((name) => join(service.dataDir, name)) as [
      string,
      string,
    ];
    openssl(
      "req",
      "-x509",
      "-nodes",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost",
      "-days",
      "2",
      "-keyout",
      key,
      "-out",
      cert,
    );
    await using secure = await startService(`--tls-cert=${cert}`, `--tls-key=${key}`);
    const { publicUrl } = secure.enrolment.addresses;
    expect(publicUrl).toMatch(/^https:\/\/localhost:/);
    const { statusCode, headers } = await new Promise<{ statusCode?: number; headers: object }>(
      (resolve, reject) => {
        const ask = getHttps(`${publicUrl}/enrol/x`, { ca: readFileSync(cert) }, (answer) => {
          answer.resume();
          resolve(answer as never);
        });
        ask.on("error", reject);
      },
    );
    expect([statusCode, headers]).toEqual([
      404,
      expect.objectContaining({ "strict-transport-security": "max-age=31536000" }),
    ]);
  });

  test.each([
    ["--tls-cert=/tmp/none.pem"],
    ["--profile-key=/tmp/none.pem"],
    ["--public-url=https://watch.example.net/path"],
    ["--root-certificate=/dev/null"],
    ["--listen=here"],
  ])("does not start with %s", async (flag) => {
    service = await startService();
    await expect(startService(flag)).rejects.toThrow(/got .*, expected /);
  });
});

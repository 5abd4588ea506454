/** Protected paths, through a running edge. */
import { createHmac } from "node:crypto";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { parsePlaylist } from "@glassline/hls/playlist";
import { describe, expect, test } from "vitest";

import { ADMIN_TOKEN, adminCall } from "../edge-admin.testing.ts";
import { addressOf } from "../core/address.ts";
import { Fields } from "../core/http/fields.ts";
import { startEdge, startOrigin } from "../edge-cache.testing.ts";
import { newKey } from "./signing.ts";
import { Protection } from "./token-gate.ts";
import { tokenWriter } from "./token-writer.ts";
import { p256Key, testKeys } from "./tokens.testing.ts";

const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.m4s\n";
const MULTIVARIANT = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo.m3u8\n";

async function startBoth(...words: readonly string[]) {
  await using stack = new AsyncDisposableStack();
  const keys = stack.use(await testKeys());
  const seen: IncomingMessage[] = [];
  const origin = stack.use(
    await startOrigin((request, response) => {
      seen.push(request);
      response.setHeader("cache-control", "public, max-age=60").setHeader("etag", '"e"');
      const { url = "" } = request;
      response.end(url.includes("index") ? MULTIVARIANT : url.includes("m3u8") ? MEDIA : "media");
    }),
  );
  const own = [
    "--protect=/live/cam-0001/",
    "--protect=/live/cam-0002/",
    "--protect=/vod/a!b/",
    `--token-keys=${keys.path}`,
  ];
  const given = [
    ...own,
    `--admin-token=${ADMIN_TOKEN}`,
    "--peer=edge-2=http://127.0.0.1:9",
    ...words,
  ];
  const edge = stack.use(await startEdge(origin.url, given));
  const { port, adminPort } = edge.addresses;
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    const text = await response.text();
    const { reason } = (response.ok ? {} : JSON.parse(text)) as { reason?: string };
    return { status: response.status, headers: response.headers, text, reason };
  };
  const call = adminCall(adminPort);
  const metrics = async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const owned = stack.move();
  const [dispose, url] = [() => owned.disposeAsync(), origin.url];
  return { keys, seen, origin, url, port, get, call, metrics, [Symbol.asyncDispose]: dispose };
}

const SEGMENT = "/live/cam-0001/1.m4s";
const at = (path: string, token: string) => `${path}?access_token=${token}`;

describe("a protected path", () => {
  test("is served to those with a token, from one object for all of them", async () => {
    await using both = await startBoth();
    const { keys, get } = both;
    const [anna, bert] = [keys.token({ sub: "anna" }), keys.token({ sub: "bert" })];
    expect(await get(at(SEGMENT, anna))).toMatchObject({ status: 200, text: "media" });
    const hit = await get(at(SEGMENT, bert));
    expect(hit.headers.get("cache-status")).toMatch(/"edge-1"; hit/);
    expect(hit.headers.get("cache-control")).toBe("private, max-age=60");
    const bearer = await get(SEGMENT, { authorization: `Bearer ${anna}` });
    expect(bearer.headers.get("cache-status")).toMatch(/"edge-1"; hit/);
    await get("/live/cam-0001/2.m4s", { authorization: `Bearer ${anna}` });
    expect((await get(at("/live/cam-0001/2.m4s", bert))).headers.get("cache-status")).toMatch(
      /hit/,
    );
    expect(both.origin.asked).toEqual([`GET ${SEGMENT}`, "GET /live/cam-0001/2.m4s"]);
  });

  test("lets browsers ask without it whether they may show it, and gives them nothing else", async () => {
    await using both = await startBoth("--allowed-origin=http://page.example");
    const ask = async (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${both.port}${SEGMENT}`, { method: "OPTIONS", headers });
    const preflight = { origin: "http://page.example", "access-control-request-method": "GET" };
    expect((await ask(preflight)).status).toBe(200);
    expect((await ask({})).status).toBe(401);
    expect(both.origin.asked).toEqual([`OPTIONS ${SEGMENT}`]);
    expect((await both.get(SEGMENT)).status).toBe(401);
  });

  test("does not tell the origin of tokens", async () => {
    await using both = await startBoth();
    const token = both.keys.token();
    const referer = `http://page/?access_token=${token}`;
    await both.get(at("/live/cam-0001/page", `${token}&b=1`), { referer });
    await both.get("/live/cam-0001/other", { authorization: `Bearer ${token}`, referer });
    expect(both.origin.asked).toEqual(["GET /live/cam-0001/page?b=1", "GET /live/cam-0001/other"]);
    const heads = both.seen.flatMap(({ rawHeaders }) => rawHeaders).join("\n");
    expect(heads).not.toContain("eyJ");
    expect(heads).not.toContain("Bearer");
  });

  test("is refused without one, however it is spelt; others are not", async () => {
    await using both = await startBoth();
    const { get } = both;
    const missing = await get(SEGMENT);
    expect(missing).toMatchObject({ status: 401, reason: "missing" });
    expect(missing.headers.get("www-authenticate")).toBe('Bearer realm="edge-1"');
    expect(missing.headers.get("cache-control")).toBe("no-store");
    for (const path of [
      "/live/%63am-0001/1.m4s",
      "/live/cam%2d0001/1.m4s",
      `${SEGMENT}?access%5Ftoken=x`,
    ])
      expect((await get(path)).status, path).toBe(401);
    for (const path of ["/vod/a!b/1.m4s", "/vod/a%21b/1.m4s"])
      expect((await get(path)).status, path).toBe(401);
    expect(both.origin.asked).toEqual([]);
    expect((await get("/live/cam-0003/1.m4s")).status).toBe(200);
    expect((await get("/page?access_token=theirs")).status).toBe(200);
    expect(both.origin.asked.at(-1)).toBe("GET /page?access_token=theirs");
    expect(await both.metrics()).toMatch(/edge_refused_total\{reason="missing"[^}]*\} 6/);
  });

  test("is refused with a bad one, and says why", async () => {
    await using both = await startBoth();
    const { keys, get } = both;
    const nowS = Math.floor(Date.now() / 1_000);
    const good = keys.token();
    const [head = "", body = "", signature = ""] = good.split(".");
    const headOf = (header: object) => Buffer.from(JSON.stringify(header)).toString("base64url");
    const { kid } = keys.privateJwk;
    // The classic: the public key as the secret of an HMAC.
    const hs256 = headOf({ alg: "HS256", kid });
    const hmac = createHmac("sha256", await readFile(keys.path)).update(`${hs256}.${body}`);
    const refusals: [string, string][] = [
      ["expired", keys.token({ iat: nowS - 100, exp: nowS - 31 })],
      ["not_yet", keys.token({ nbf: nowS + 40 })],
      ["other_channel", keys.token({ channel: "cam-0002" })],
      ["audience", keys.token({ aud: "elsewhere" })],
      ["lifetime", keys.token({ exp: nowS + 40 * 86_400 })],
      ["other_network", keys.token({ catnip: ["10.0.0.0/8", "::1"] })],
      [
        "bad_signature",
        `${head}.${body}.${signature.replace(/^./, (first) => (first === "A" ? "B" : "A"))}`,
      ],
      [
        "bad_signature",
        `${head}.${headOf({ ...JSON.parse(Buffer.from(body, "base64url").toString()), channel: "cam-0002" })}.${signature}`,
      ],
      ["unknown_key", keys.token({}, newKey().privateJwk)],
      ["algorithm", `${headOf({ alg: "none", kid })}.${body}.${signature}`],
      ["algorithm", `${hs256}.${body}.${hmac.digest("base64url")}`],
      ["malformed", `${headOf({ alg: "EdDSA", kid, crit: ["b64"] })}.${body}.${signature}`],
      ["malformed", keys.token({ exp: undefined })],
      ["malformed", keys.token({ catnip: "300.1.1.1" })],
      ["malformed", "x.y"],
      ["malformed", `${good}&access_token=${good}`],
      ["too_long", "x".repeat(2_049)],
    ];
    for (const [reason, token] of refusals)
      for (let time = 0; time < 2; time++) {
        const refusal = await get(at(SEGMENT, token));
        expect(refusal, `${reason} ${token}`).toMatchObject({ status: 403, reason });
        expect(refusal.headers.get("www-authenticate")).toContain('error="invalid_token"');
      }
    expect(both.origin.asked).toEqual([]);
    expect((await get(at(SEGMENT, keys.token({ catnip: ["127.0.0.0/8"] })))).status).toBe(200);
  });

  test("of an edge of a deployed channel is served to tokens of this channel only", async () => {
    await using both = await startBoth("--deployed-channel=harbour");
    const { keys, get } = both;
    for (const claims of [
      {},
      { deployed_channel: "quay" },
      { deployed_channel: ["harbour"] },
      { deployed_channel: "harbour", channel: "cam-0002" },
    ])
      expect(await get(at(SEGMENT, keys.token(claims))), JSON.stringify(claims)).toMatchObject({
        status: 403,
        reason: "other_channel",
      });
    expect((await get(at(SEGMENT, keys.token({ deployed_channel: "harbour" })))).status).toBe(200);
  });

  test("of an edge that was not deployed is served to tokens of all channels", async () => {
    await using both = await startBoth();
    const token = both.keys.token({ deployed_channel: "harbour" });
    expect((await both.get(at(SEGMENT, token))).status).toBe(200);
  });

  test("a player that knows nothing of tokens follows its playlists to the segments", async () => {
    await using both = await startBoth();
    const token = both.keys.token();
    // As a player does: variables are put in where the playlist's own address has them (section 4.3).
    const follow = async (url: string) => {
      const text = await (await fetch(url)).text();
      expect(text).toMatch(
        /^#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM="access_token"\n/,
      );
      const value = new URL(url).searchParams.get("access_token")!;
      return parsePlaylist(text.replaceAll("{$access_token}", value));
    };
    const multivariant = await follow(
      `http://localhost:${both.port}${at("/live/cam-0001/index.m3u8", token)}`,
    );
    if (multivariant.kind !== "multivariant") throw new Error("expected variants");
    expect(multivariant.steering?.serverUri).toBe("/steering/cam-0001");
    const [own, other] = multivariant.variants.map(({ uri }) => uri);
    expect(other).toBe(`http://127.0.0.1:9/live/cam-0001/video.m3u8?access_token=${token}`);
    const ownUrl = new URL(own!);
    ownUrl.port = String(both.port);
    const media = await follow(ownUrl.href);
    if (media.kind !== "media") throw new Error("expected segments");
    const segment = new URL(media.segments[0]!.uri, ownUrl);
    expect((await fetch(segment)).status).toBe(200);
    // Who shows it in a field needs no variables, and could not fill them in.
    const plain = await both.get("/live/cam-0001/video.m3u8", { authorization: `Bearer ${token}` });
    expect(plain.text).toBe(MEDIA);
  });
});

test("a token is handed to protected paths of this edge and its peers, and to nobody else", async () => {
  const own = ["1.m4s", "../cam-0002/2.m4s", "http://127.0.0.1:9/live/cam-0001/3.m4s"];
  const others = [
    "http://elsewhere/live/cam-0001/4.m4s",
    "//elsewhere/live/cam-0001/5.m4s",
    "https://127.0.0.1:9/live/cam-0001/6.m4s",
    "http://127.0.0.1:9@elsewhere/live/cam-0001/7.m4s",
    "/ads/8.m4s",
    "../../live/cam-0003/9.m4s",
    "http://[/live/cam-0001/10.m4s",
    "data:text/plain,11",
  ];
  const body = `#EXTM3U\n${[...own, ...others].join("\n")}\n`;
  const playlist = {
    status: 200,
    fields: new Fields([]),
    ageMs: undefined,
    body: Buffer.from(body),
  };
  const answer = { ...playlist, outcome: { kind: "hit", ttlS: 1 } } as const;
  const protection = new Protection(["/live/cam-0001/", "/live/cam-0002/"]);
  const write = tokenWriter(protection, ["http://localhost:7471", "http://127.0.0.1:9"]);
  const address = addressOf("/live/cam-0001/v.m3u8")!;
  const written = write(answer, { address, client: "anna", isInQuery: true }).body as Buffer;
  const carrying = written
    .toString()
    .split("\n")
    .filter((line) => line.includes("{$access_token}"));
  expect(carrying).toEqual(own.map((uri) => `${uri}?access_token={$access_token}`));
});

describe("keys", () => {
  test("are read again when they change: old tokens stop, new ones count; a bad file changes nothing", async () => {
    await using both = await startBoth();
    const { keys, get } = both;
    const next = p256Key("next");
    const [old, newer] = [keys.token(), keys.token({}, next.privateJwk)];
    expect((await get(at(SEGMENT, old))).status).toBe(200);
    expect((await get(at(SEGMENT, newer))).reason).toBe("unknown_key");
    await delay(50);
    await keys.publish(next.publicJwk);
    await eventually(async () => (await get(at(SEGMENT, newer))).status === 200);
    expect((await get(at(SEGMENT, old))).reason).toBe("unknown_key");
    await writeFile(keys.path, "{");
    await eventually(async () =>
      /key_loads_total\{result="failed"[^}]*\} 1/.test(await both.metrics()),
    );
    expect((await get(at(SEGMENT, newer))).status).toBe(200);
  });

  test.each([
    ["a private key", newKey().privateJwk, /got a private key, expected the public one/],
    ["no kid", { ...newKey().publicJwk, kid: undefined }, /keys\[0\]: got no kid/],
    ["RSA", { kty: "RSA", kid: "r" }, /got kty RSA and crv undefined, expected OKP and Ed25519/],
  ])("that are not good stop the start: %s", async (_what, jwk, message) => {
    await using keys = await testKeys();
    await keys.publish(jwk);
    const start = startEdge("http://127.0.0.1:9", ["--protect=/a/", `--token-keys=${keys.path}`]);
    await expect(start).rejects.toThrow(message);
  });

  test("are needed, and so is a prefix of paths", async () => {
    await expect(startEdge("http://127.0.0.1:9", ["--protect=/a/"])).rejects.toThrow(
      "--token-keys: got nothing",
    );
    for (const prefix of ["live/", "/live/../a/", "/a//b/", "/a/?b"])
      await expect(startEdge("http://127.0.0.1:9", [`--protect=${prefix}`])).rejects.toThrow(
        `--protect: got ${JSON.stringify(prefix)}`,
      );
  });
});

describe("revoking", () => {
  test("a token, a client or everyone; the rest goes on", async () => {
    await using both = await startBoth();
    const { keys, get, call } = both;
    const nowS = Math.floor(Date.now() / 1_000);
    const early = nowS - 10;
    const [one, two, three] = [
      keys.token({ jti: "one", iat: early }),
      keys.token({ jti: "two", iat: early }),
      keys.token({ sub: "bert", iat: early }),
    ];
    const reasons = async () =>
      Promise.all([one, two, three].map(async (token) => (await get(at(SEGMENT, token))).reason));
    expect(await reasons()).toEqual([undefined, undefined, undefined]);
    const revoked = await call("RevokeTokens", { tokenId: "one", idempotencyKey: "a" });
    expect(revoked).toEqual({ revocations: 1, replayed: false });
    expect(await call("RevokeTokens", { tokenId: "one", idempotencyKey: "a" })).toMatchObject({
      replayed: true,
    });
    expect(await reasons()).toEqual(["revoked", undefined, undefined]);
    const untilNano = String(BigInt(nowS - 5) * 1_000_000_000n);
    await call("RevokeTokens", {
      client: "anna",
      issuedUntilUnixNano: untilNano,
      idempotencyKey: "b",
    });
    expect(await reasons()).toEqual(["revoked", "revoked", undefined]);
    expect((await get(at(SEGMENT, keys.token({ iat: nowS - 4 })))).status).toBe(200);
    await call("RevokeTokens", { everyone: true, idempotencyKey: "c" });
    expect(await reasons()).toEqual(["revoked", "revoked", "revoked"]);
    expect((await get(at(SEGMENT, keys.token({ sub: "carla" })))).reason).toBe("revoked");
    expect(await call("ListRevocations", {})).toEqual({ clients: ["anna"] });
    expect(await call("GetStatus", {})).toMatchObject({
      revocations: 3,
      actionsDone: { revoke: "3" },
    });
  });

  test.each([
    [{}, /^target: got none ""/],
    [{ everyone: false }, /^target: got everyone false/],
    [{ client: "x".repeat(257) }, /^target: got client/],
    [{ client: "a", issuedUntilUnixNano: "9000000000000000000" }, /^issued_until_unix_nano/],
  ])("is refused when it does not say whom: %j", async (body, message) => {
    await using both = await startBoth();
    const answer = await both.call("RevokeTokens", { ...body, idempotencyKey: "k" });
    expect(answer).toMatchObject({ code: "invalid_argument" });
    expect(answer["message"]).toMatch(message);
  });

  test("outlives the process in a file, a torn line does not", async () => {
    await using keys = await testKeys();
    const path = join(keys.directory, "revocations");
    const word = `--revocations=${path}`;
    {
      await using both = await startBoth(word);
      await both.call("RevokeTokens", { client: "anna", idempotencyKey: "a" });
    }
    await appendFile(path, '{"client":"bert","issu');
    {
      await using both = await startBoth(word);
      expect((await both.get(at(SEGMENT, both.keys.token()))).reason).toBe("revoked");
      expect((await both.get(at(SEGMENT, both.keys.token({ sub: "bert" })))).status).toBe(200);
    }
    expect((await readFile(path, "utf8")).trimEnd().split("\n")).toHaveLength(1);
    await appendFile(path, "nonsense\n");
    await expect(startBoth(word)).rejects.toThrow(/--revocations: .*revocations:2: got "nonsense"/);
    await rm(path);
  });
});

async function eventually(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await delay(50);
}

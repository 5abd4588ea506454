import { createHash, createPublicKey, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { KeyPair } from "@glassline/service/certificate";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openssl, testWithOpenssl } from "../plist.testing.ts";
import { ensureDevelopmentSigner } from "./development-signer.ts";
import { ProfileSigner, SignerNotValid } from "./profile-signer.ts";
import type { NamedJwk } from "./secret-files.ts";
import { openTokenKey } from "./secret-files.ts";
import { tokenKeyOf } from "./token-key.ts";

const DAY_MS = 86_400_000;
let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), "glassline-signer-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const place = (name: string) => join(directory, name);

/** What OpenSSL says that was signed; throws when it does not trust it. @param now Unix seconds. */
function verified(signed: Buffer, caFile: string, now?: number): Buffer {
  writeFileSync(place("signed"), signed);
  openssl(
    "cms",
    "-verify",
    "-inform",
    "DER",
    "-in",
    place("signed"),
    "-CAfile",
    caFile,
    ...(now === undefined ? [] : ["-attime", String(now)]),
    "-purpose",
    "any",
    "-out",
    place("content"),
  );
  return readFileSync(place("content"));
}

/** The last certificate of a chain, in a file. */
function authorityOf({ cert }: KeyPair): string {
  const blocks = cert.match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g)!;
  writeFileSync(place("ca.pem"), `${blocks.at(-1)!}\n`);
  return place("ca.pem");
}

describe("the development signer", () => {
  testWithOpenssl()(
    "signs what OpenSSL verifies, by its chain, at any size",
    { timeout: 60_000 },
    async () => {
      const pair = await ensureDevelopmentSigner(place("development"), Date.now());
      const signer = new ProfileSigner(pair);
      const ca = authorityOf(pair);
      for (const size of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 300_000]) {
        const content = randomBytes(size);
        expect(verified(signer.sign(content, Date.now()), ca).equals(content)).toBe(true);
      }
    },
  );

  testWithOpenssl()("signs nothing that can be changed", { timeout: 60_000 }, async () => {
    const pair = await ensureDevelopmentSigner(place("development"), Date.now());
    const signed = new ProfileSigner(pair).sign(Buffer.from("profile".repeat(20)), Date.now());
    const at = signed.indexOf("profile");
    signed[at] = signed[at]! ^ 1;
    expect(() => verified(signed, authorityOf(pair))).toThrow(/digest|verif/i);
  });

  testWithOpenssl()("has signing time, digest and chain as RFC 5652 has them", async () => {
    const at = Date.UTC(2026, 10, 22);
    const pair = await ensureDevelopmentSigner(place("then"), at);
    writeFileSync(place("one"), new ProfileSigner(pair).sign(Buffer.from("a"), at));
    const text = openssl(
      "cms",
      "-cmsout",
      "-print",
      "-inform",
      "DER",
      "-in",
      place("one"),
    ).toString();
    expect(text).toMatch(/Nov 22 00:00:00 2026 GMT/);
    expect(text).toMatch(/ecdsa-with-SHA256/);
    expect(text.match(/d\.certificate:/g)).toHaveLength(2);
  });

  test("stays until it has a month left, and is another one then", async () => {
    const folder = place("renewed");
    const nowMs = Date.now();
    const first = await ensureDevelopmentSigner(folder, nowMs);
    expect(await ensureDevelopmentSigner(folder, nowMs + 300 * DAY_MS)).toEqual(first);
    expect(await ensureDevelopmentSigner(folder, nowMs + 380 * DAY_MS)).not.toEqual(first);
  });

  test("refuses to sign when it has expired, or does not count yet", async () => {
    const signer = new ProfileSigner(await ensureDevelopmentSigner(place("expired"), Date.now()));
    const sign = (nowMs: number) => () => signer.sign(Buffer.from("a"), nowMs);
    expect(sign(Date.now() + 398 * DAY_MS)).toThrow(SignerNotValid);
    expect(sign(Date.now() + 398 * DAY_MS)).toThrow(/expired at \d{4}-/);
    expect(sign(Date.now() - 2 * DAY_MS)).toThrow(/begins at \d{4}-/);
  });
});

describe("a signer that is given", () => {
  /** Self-signed, made by OpenSSL. */
  function pairOf(...algorithm: readonly string[]): KeyPair {
    openssl(
      "req",
      "-x509",
      "-nodes",
      "-newkey",
      ...algorithm,
      "-subj",
      "/CN=signer",
      "-days",
      "2",
      "-keyout",
      place("given.key"),
      "-out",
      place("given.pem"),
    );
    return {
      cert: readFileSync(place("given.pem"), "utf8"),
      key: readFileSync(place("given.key"), "utf8"),
    };
  }

  testWithOpenssl()("may be of RSA, P-256 or P-384", { timeout: 60_000 }, () => {
    const kinds = [
      ["rsa:2048"],
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ];
    for (const kind of kinds) {
      const signed = new ProfileSigner(pairOf(...kind)).sign(
        Buffer.from("profile"),
        Date.now() + 1_000,
      );
      expect(verified(signed, place("given.pem")).toString()).toBe("profile");
    }
  });

  testWithOpenssl()("may not be of Ed25519, and not without a certificate", () => {
    const pair = pairOf("ed25519");
    expect(() => new ProfileSigner(pair)).toThrow(/expected an elliptic curve or RSA/);
    expect(() => new ProfileSigner({ ...pair, cert: "" })).toThrow(/got none/);
  });
});

describe("the key of tokens", () => {
  const claims = {
    sub: "dev-1",
    channel: ["/live/a/"],
    deployed_channel: "harbour",
    iat: 1,
    exp: 2,
    jti: "t",
  };

  test("signs as RFC 7518 has it, and outlives the process", async () => {
    const key = await openTokenKey(place("tokens"));
    const token = key.sign(claims);
    const [head, body, signature] = token.split(".") as [string, string, string];
    const { keys } = JSON.parse(key.keySet) as { keys: NamedJwk[] };
    expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({
      alg: "ES256",
      typ: "JWT",
      kid: keys[0]!.kid,
    });
    expect(keys[0]!.d).toBeUndefined();
    const { crv, kty, x, y } = keys[0]!;
    expect(keys[0]!.kid).toBe(
      createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url"),
    );
    const publicKey = createPublicKey({ key: keys[0]!, format: "jwk" });
    const bytes = Buffer.from(signature, "base64url");
    const data = Buffer.from(`${head}.${body}`);
    expect(verify("sha256", data, { key: publicKey, dsaEncoding: "ieee-p1363" }, bytes)).toBe(true);
    expect((await openTokenKey(place("tokens"))).read(token)).toEqual(claims);
  });

  test("reads no token that it has not signed", async () => {
    const key = await openTokenKey(place("tokens"));
    const other = await openTokenKey(place("other-tokens"));
    const token = key.sign(claims);
    expect(other.read(token)).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom("A", ".", "_", ""), (at, put) => {
        const changed = token.slice(0, at) + put + token.slice(at + 1);
        // The last character of a signature has bits that mean nothing.
        if (changed.slice(0, -1) === token.slice(0, -1)) return;
        expect(key.read(changed)).toBeUndefined();
      }),
    );
    expect(key.read("")).toBeUndefined();
    expect(key.read(`${token}.more`)).toBeUndefined();
  });

  test("is of P-256", () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const jwk = { ...privateKey.export({ format: "jwk" }), kid: "a" };
    expect(() => tokenKeyOf(jwk)).toThrow(/expected a private one of P-256/);
  });
});

/** Tokens that nobody should have made: each is refused, none throws. */
import { createHash } from "node:crypto";

import { systemClock } from "@glassline/service/clock";
import fc from "fast-check";
import { expect, test } from "vitest";

import { Addresses } from "../core/addresses.ts";
import { Revocations } from "../core/revocations.ts";
import { isRefused } from "../core/tokens.ts";
import { readKeySet } from "./key-set.ts";
import { signed, signingKeyOf } from "./signing.ts";
import { Protection, TokenGate } from "./token-gate.ts";
import { p256Key, testKeys } from "./tokens.testing.ts";
import { Verifier } from "./verifier.ts";
import type { Asking } from "../viewer-exchange.ts";

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value) ?? "").toString("base64url");

async function startVerifier() {
  await using keys = await testKeys();
  const p256 = p256Key("p256");
  const { d: _private, ...publicJwk } = keys.privateJwk;
  await keys.publish(publicJwk, p256.publicJwk);
  const verifier = new Verifier(await readKeySet(keys.path), "glassline");
  return { verifier, keys, p256, token: keys.token({}) };
}

test("whatever comes as a token is refused, never thrown", async () => {
  const { verifier, keys } = await startVerifier();
  const kid = fc.constantFrom(keys.privateJwk.kid, "p256", "other", 7, undefined);
  const alg = fc.constantFrom("EdDSA", "Ed25519", "ES256", "HS256", "none", undefined, null);
  const header = fc.oneof(fc.record({ alg, kid }), fc.jsonValue());
  const signature = fc.uint8Array({ maxLength: 100 });
  const parts = fc
    .tuple(header, fc.jsonValue(), signature)
    .map(
      ([head, body, bytes]) =>
        `${encoded(head)}.${encoded(body)}.${Buffer.from(bytes).toString("base64url")}`,
    );
  fc.assert(
    fc.property(fc.oneof(parts, fc.string(), fc.base64String()), (token) => {
      expect(isRefused(verifier.verify(token))).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("both kinds of keys sign, and no changed character is let through", async () => {
  const { verifier, keys, p256 } = await startVerifier();
  const isGood = (token: string) => !isRefused(verifier.verify(token));
  for (const token of [keys.token(), keys.token({}, p256.privateJwk)]) {
    expect(isGood(token)).toBe(true);
    const unchanged = createHash("sha256").update(token).digest("hex");
    // The last character has bits that stand for nothing.
    for (let at = 0; at < token.length - 1; at++) {
      const other = token[at] === "A" ? "B" : "A";
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      expect(isGood(changed), `${at} of ${unchanged}`).toBe(false);
    }
  }
});

test.each([
  [["fe80::1%eth0"]],
  [["10.0.0.0/33"]],
  [["::1/129"]],
  [["10.0.0.0/8/8"]],
  [["1.2.3"]],
  [["/8"]],
])("addresses that are none are refused: %j", async (catnip) => {
  const { verifier, keys } = await startVerifier();
  expect(verifier.verify(keys.token({ catnip }))).toMatchObject({ problem: "malformed" });
});

test("addresses are compared as what they are, and who has gone has none", async () => {
  const { verifier, keys } = await startVerifier();
  const gate = new TokenGate({
    protection: new Protection(["/live/"]),
    verifier,
    revocations: new Revocations(),
    addresses: new Addresses(),
    clock: systemClock,
  });
  const token = keys.token({ catnip: ["10.0.0.0/8", "fe80::/10"] });
  const isLetIn = (remoteAddress: string | undefined) => {
    const request = { headers: {}, socket: { remoteAddress } } as unknown as Asking;
    const found = gate.admit(request, `/live/cam-0001/a?access_token=${token}`);
    return found !== undefined && !isRefused(found);
  };
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "fe80::1%eth0", "fe80::2"])
    expect(isLetIn(address), address).toBe(true);
  for (const address of ["11.1.2.3", "::ffff:11.1.2.3", "::1", undefined, "", "nonsense"])
    expect(isLetIn(address), address).toBe(false);
});

test("of tokens that were checked, so many are remembered, and a key that goes takes its own along", async () => {
  const { verifier, keys, p256 } = await startVerifier();
  const token = keys.token();
  expect(verifier.verify(token)).toBe(verifier.verify(token));
  const good = verifier.verify(token);
  for (let at = 0; at < 1_100; at++) verifier.verify(`${token.slice(0, -4)}${at}`);
  expect(verifier.verify(token)).toBe(good);
  const { key, algorithm } = signingKeyOf(p256.privateJwk);
  expect(isRefused(verifier.verify(signed({ kid: "gone", key, algorithm }, {})))).toBe(true);
  verifier.keys = new Map();
  expect(verifier.verify(token)).toMatchObject({ problem: "unknown_key" });
});

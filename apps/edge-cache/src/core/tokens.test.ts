import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Revocation } from "./revocations.ts";
import { Revocations, lastExpiryS } from "./revocations.ts";
import { redactedFields } from "./token-fields.ts";
import { withTokenVariable } from "./token-playlist.ts";
import { redacted, splitTarget } from "./token-query.ts";
import type { Claims } from "./tokens.ts";
import { LIFETIME_MAX_S, SKEW_S, claimsOf, isRefused, standing, withoutEscapes } from "./tokens.ts";
import { Fields } from "./http/fields.ts";
import { addressOf } from "./address.ts";

const NOW_S = 1_790_000_000;
const PAYLOAD = { sub: "anna", channel: "cam-0001", iat: NOW_S, exp: NOW_S + 60 };

function claims(more: object = {}): Claims {
  const found = claimsOf({ ...PAYLOAD, ...more }, "glassline");
  if (isRefused(found)) throw new Error(found.message);
  return found;
}

const problemOf = (payload: unknown) => {
  const found = claimsOf(payload, "glassline");
  return isRefused(found) ? found.problem : undefined;
};

describe("claims", () => {
  test("whatever was signed is read or refused, never thrown", () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(NOW_S, "cam-0001", "/vod/", ["a"]));
    const names = ["exp", "iat", "nbf", "sub", "jti", "aud", "channel", "catnip"];
    const payload = fc.dictionary(fc.constantFrom(...names), value);
    fc.assert(
      fc.property(fc.oneof(payload, fc.jsonValue()), (one) => {
        const found = claimsOf(one, "glassline");
        if (!isRefused(found)) expect(found.prefixes.length).toBeGreaterThan(0);
        else expect(found.message.length).toBeLessThan(300);
      }),
    );
  });

  test.each([
    ["exp", { exp: undefined }],
    ["exp", { exp: "1790000000" }],
    ["exp", { exp: Number.NaN }],
    ["iat", { iat: -1 }],
    ["nbf", { nbf: 1e300 }],
    ["sub", { sub: "" }],
    ["jti", { jti: 7 }],
    ["channel", { channel: [] }],
    ["channel", { channel: "/vod/film" }],
    ["channel", { channel: "a/b" }],
    ["channel", { channel: Array.from({ length: 65 }, (_, at) => `cam-${at}`) }],
    ["catnip", { catnip: "x".repeat(300) }],
  ])("%s is refused when it is not what it should be: %j", (_name, more) => {
    expect(problemOf({ ...PAYLOAD, ...more })).toBe("malformed");
  });

  test("a token for others, or for too long, is refused", () => {
    expect(problemOf({ ...PAYLOAD, aud: "elsewhere" })).toBe("audience");
    expect(problemOf({ ...PAYLOAD, aud: ["elsewhere", "glassline"] })).toBeUndefined();
    expect(problemOf({ ...PAYLOAD, exp: NOW_S + LIFETIME_MAX_S })).toBeUndefined();
    expect(problemOf({ ...PAYLOAD, exp: NOW_S + LIFETIME_MAX_S + 1 })).toBe("lifetime");
  });
});

describe("a token", () => {
  const seconds = fc.integer({ min: -200, max: 200 });

  test("counts from nbf and iat to exp, with the skew on both sides", () => {
    fc.assert(
      fc.property(seconds, seconds, seconds, seconds, (exp, iat, nbf, now) => {
        const one = claims({ exp: NOW_S + exp, iat: NOW_S + iat, nbf: NOW_S + nbf });
        const isGood = now < exp + SKEW_S && now >= iat - SKEW_S && now >= nbf - SKEW_S;
        expect(standing(one, "/live/cam-0001/1.m4s", NOW_S + now) === undefined).toBe(isGood);
      }),
    );
  });

  test("is for its channels and prefixes only, however their paths are spelt", () => {
    const one = claims({ channel: ["cam-0001", "/vod/film/", "küche 1"] });
    const isFor = (target: string) =>
      standing(one, withoutEscapes(addressOf(target)!.path), NOW_S) === undefined;
    const spellings = ["/live/cam-0001/a", "/live/cam%2D0001/a", "/live/%63am-0001/a"];
    for (const target of [...spellings, "/vod/film/a", "/live/k%C3%BCche%201/a"])
      expect(isFor(target), target).toBe(true);
    for (const target of ["/live/cam-0001", "/live/cam-00012/a", "/vod/film", "/live/k%C3%BCche/a"])
      expect(isFor(target), target).toBe(false);
  });
});

describe("revocations", () => {
  const name = fc.constantFrom("a", "b", "c");
  const second = fc.integer({ min: NOW_S, max: NOW_S + 100 });
  const revocation: fc.Arbitrary<Revocation> = fc.oneof(
    fc.record({ tokenId: name, untilS: second.map(lastExpiryS) }),
    fc.record({ client: name, issuedUntilS: second }),
    fc.record({ everyone: fc.constant(true as const), issuedUntilS: second }),
  );

  test("mean what each of them says, also after they were written and read", () => {
    const token = fc.record({
      tokenId: fc.option(name, { nil: undefined }),
      client: name,
      issuedS: second,
    });
    fc.assert(
      fc.property(
        fc.array(revocation, { maxLength: 8 }),
        token,
        (all, { tokenId, client, issuedS }) => {
          const one = { ...claims(), tokenId, client, issuedS };
          const isMeant = all.some((each) =>
            "tokenId" in each
              ? each.tokenId === tokenId
              : issuedS <= each.issuedUntilS && (!("client" in each) || each.client === client),
          );
          const revocations = new Revocations(all);
          expect(revocations.has(one)).toBe(isMeant);
          expect(new Revocations(revocations.all()).has(one)).toBe(isMeant);
        },
      ),
    );
  });

  test("are forgotten when no token that they mean can count any more, and not before", () => {
    const longest = claims({ exp: NOW_S + LIFETIME_MAX_S });
    const revocations = new Revocations([
      { client: "anna", issuedUntilS: NOW_S },
      { everyone: true, issuedUntilS: NOW_S },
      { tokenId: "t", untilS: lastExpiryS(NOW_S) },
    ]);
    expect(revocations.count).toBe(3);
    const lastS = NOW_S + LIFETIME_MAX_S + SKEW_S;
    expect(standing(longest, "/live/cam-0001/a", lastS - 1)).toBeUndefined();
    revocations.forget(lastS - 1);
    expect(revocations.has(longest)).toBe(true);
    expect(standing(longest, "/live/cam-0001/a", lastS)?.problem).toBe("expired");
    revocations.forget(lastS + 1);
    expect(revocations.count).toBe(0);
  });

  test("that are too many are refused: what is forgotten would count again", () => {
    const revocations = new Revocations();
    for (let at = 0; at < 100_000; at++)
      expect(revocations.add({ tokenId: `${at}`, untilS: NOW_S })).toBe(true);
    expect(revocations.add({ tokenId: "one more", untilS: NOW_S })).toBe(false);
    expect(revocations.add({ tokenId: "7", untilS: NOW_S })).toBe(true);
    expect(revocations.add({ everyone: true, issuedUntilS: NOW_S })).toBe(true);
  });
});

describe("the token in an address", () => {
  test("is taken out, and nothing else", () => {
    const word = fc.stringMatching(/^[a-z0-9.]{0,6}$/);
    const pairs = fc.array(fc.tuple(word, word).map(([name, value]) => `${name}=${value}`));
    fc.assert(
      fc.property(pairs, pairs, word, (before, after, token) => {
        const target = `/a?${[...before, `access_token=${token}`, ...after].join("&")}`;
        const rest = [...before, ...after].join("&");
        expect(splitTarget(target)).toEqual({
          rest: rest === "" && before.length + after.length === 0 ? "/a" : `/a?${rest}`,
          token,
        });
      }),
    );
    expect(splitTarget("/a?not_access_token=1&b")).toBeUndefined();
    expect(splitTarget("/a/access_token=1?b")).toBeUndefined();
    expect(splitTarget("/a?access_token=1&access_token=2")?.token).toBe("1,2");
  });

  test("is in no text for logs, and in nothing that the origin sees", () => {
    const token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl";
    for (const text of [
      `/a?access_token=${token}&b=1`,
      `/a?b=1&access%5Ftoken=${token}`,
      `/a?%61ccess_token=${token}`,
      `/a?access_token=short&b=1`,
      `http://page/?x=${token}#y`,
      `http://page/?next=%2Flive%3Faccess_token%3Dshort%26b=1`,
    ]) {
      expect(redacted(text)).not.toMatch(/eyJ|c2ln|short/);
      expect(redacted(text)).toContain("REDACTED");
    }
    expect(redacted("/live/cam/1.m4s?_HLS_msn=1")).toBe("/live/cam/1.m4s?_HLS_msn=1");
    const fields = redactedFields(
      new Fields([
        ["authorization", `Bearer ${token}`],
        ["authorization", "Basic dTpw"],
        ["referer", `http://page/?access_token=${token}`],
        ["accept", "*/*"],
      ]),
    );
    expect(fields.lines).toEqual([
      ["authorization", "Basic dTpw"],
      ["referer", "http://page/?access_token=REDACTED"],
      ["accept", "*/*"],
    ]);
  });
});

test("a playlist hands its reader's token on, to those who may have it", () => {
  const text = [
    "#EXTM3U",
    "#EXT-X-VERSION:9",
    '#EXT-X-CONTENT-STEERING:SERVER-URI="/steering/cam-0001",PATHWAY-ID="edge-1"',
    '#EXT-X-MAP:URI="init.mp4"',
    '#EXT-X-PART:DURATION=0.5,URI="1.m4s?part=0"',
    "1.m4s",
    "http://elsewhere/2.m4s",
    "",
  ].join("\n");
  const written = withTokenVariable(text, (uri) => !uri.startsWith("http://elsewhere"));
  expect(written.split("\n")).toEqual([
    "#EXTM3U",
    "#EXT-X-VERSION:11",
    '#EXT-X-DEFINE:QUERYPARAM="access_token"',
    '#EXT-X-CONTENT-STEERING:SERVER-URI="/steering/cam-0001",PATHWAY-ID="edge-1"',
    '#EXT-X-MAP:URI="init.mp4?access_token={$access_token}"',
    '#EXT-X-PART:DURATION=0.5,URI="1.m4s?part=0&access_token={$access_token}"',
    "1.m4s?access_token={$access_token}",
    "http://elsewhere/2.m4s",
    "",
  ]);
  expect(withTokenVariable(written, () => true)).toBe(written);
  expect(withTokenVariable("no playlist", () => true)).toBe("no playlist");
});

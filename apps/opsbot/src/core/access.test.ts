import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  ACCESS_ROLES,
  CHANGE,
  READ,
  TALK,
  callerOfPeer,
  callerOfToken,
  mayAs,
  needsOf,
  roleFor,
} from "./access.ts";
import { MalformedTokens, lineOf, parseTokens } from "./api-tokens.ts";
import { ApiRates } from "./rate-limit.ts";

const HASH = "0123456789abcdef".repeat(4);

describe("roles", () => {
  test("may do what those before them may, and no more", () => {
    const table = ACCESS_ROLES.map((role) => ACCESS_ROLES.map((needed) => mayAs(role, needed)));
    expect(table).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  test("of processes: operators are admins, a dashboard's session counts, and what others say of theirs does not", () => {
    const roleOf = (role: Parameters<typeof callerOfPeer>[0]["role"], mayChange: boolean) =>
      callerOfPeer({ role, instance: "x" }, mayChange).role;
    expect(roleOf("operator", false)).toBe("admin");
    expect([false, true].map((may) => roleOf("dashboard", may))).toEqual(["viewer", "admin"]);
    for (const role of ["monitor", "camera"] as const) expect(roleOf(role, true)).toBe("viewer");
  });

  test("are needed by what is asked for: only admins let a machine be forgotten", () => {
    const actionOf = (kind: "evacuate" | "forget-machine") =>
      roleFor({ kind: "act", action: { kind, target: "machine-1" } });
    expect([actionOf("evacuate"), actionOf("forget-machine")]).toEqual(["operator", "admin"]);
    expect([roleFor({ kind: "resume" }), roleFor({ kind: "continue" })]).toEqual([
      "operator",
      "admin",
    ]);
  });

  test("of tokens are told apart from those of certificates in the journal", () => {
    expect(callerOfPeer({ role: "operator", instance: "anna" }, false).who).toBe("operator anna");
    expect(callerOfToken({ role: "operator", name: "anna" })).toEqual({
      who: "anna (operator token)",
      role: "operator",
    });
  });

  test("are needed by what a method does", () => {
    const needs = needsOf([
      { path: "/a", name: "getStatus", hasEffects: false },
      { path: "/b", name: "chat", hasEffects: true },
      { path: "/c", name: "apply", hasEffects: true },
      { path: "/d", name: "plan", hasEffects: false },
    ]);
    expect([...needs.values()]).toEqual([READ, TALK, CHANGE, TALK]);
  });
});

describe("a list of tokens", () => {
  test("has a line for each; others are notes", () => {
    const entry = { role: "operator", name: "anna", hash: HASH } as const;
    expect(
      parseTokens(`# of the on-call\n\n  ${lineOf(entry)}viewer  grafana\t${HASH}\r\n`),
    ).toEqual([entry, { role: "viewer", name: "grafana", hash: HASH }]);
    expect(parseTokens("")).toEqual([]);
  });

  test.each([
    ["boss anna", "line 1: expected ROLE NAME SHA256-OF-TOKEN"],
    [`boss anna ${HASH}`, 'line 1: role: got "boss", expected viewer, operator, admin'],
    [`\nadmin <b> ${HASH}`, 'line 2: name: got "<b>", expected 1 to 64 letters'],
    [`admin anna ${HASH} x`, "line 1: expected ROLE NAME SHA256-OF-TOKEN"],
    [
      `admin anna ${HASH.toUpperCase()}`,
      "line 1: hash: got 64 characters, expected 64 hexadecimal",
    ],
    [`admin anna ${HASH}\nviewer anna ${HASH}`, 'line 2: got "anna" twice, expected it once'],
  ])("is refused where it is wrong: %j", (text, message) => {
    expect(() => parseTokens(text)).toThrow(message);
  });

  test("does not show what may be a token", () => {
    const parse = () => parseTokens("admin anna glop_secret");
    expect(parse).toThrow("got 11 characters");
    expect(parse).not.toThrow("glop_secret");
  });

  test("is bounded", () => {
    const lines = (count: number) =>
      Array.from({ length: count }, (_, at) => `viewer n${at} ${HASH}\n`).join("");
    expect(parseTokens(lines(1_000))).toHaveLength(1_000);
    expect(() => parseTokens(lines(1_001))).toThrow("got 1001 tokens, expected at most 1000");
  });

  test("is understood or refused, whatever stands there", () => {
    const word = fc.oneof(
      fc.constantFrom("admin", "viewer", HASH, "anna", " ", "\n", "#"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          for (const { hash, name } of parseTokens(words.join(" "))) {
            expect(hash).toMatch(/^[0-9a-f]{64}$/);
            expect(name).toMatch(/^[\w.-]{1,64}$/);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedTokens);
        }
      }),
    );
  });
});

describe("rates", () => {
  test("give each caller and each address its own, and those without a token take nothing from those with one", () => {
    const rates = new ApiRates(5);
    const take = (ask: () => number) => Array.from({ length: 11 }, ask).filter((ms) => ms === 0);
    expect(take(() => rates.takeAddress("192.0.2.1", 1_000))).toHaveLength(10);
    expect(take(() => rates.takeCaller("192.0.2.1", 1_000))).toHaveLength(10);
    expect(take(() => rates.takeCaller("anna", 1_000))).toHaveLength(10);
    expect(rates.takeCaller("anna", 1_000)).toBeCloseTo(200);
    expect(rates.takeCaller("anna", 1_200)).toBe(0);
  });

  test("count the addresses that one site may choose from as one", () => {
    const rates = new ApiRates(1);
    expect([1, 2, 3].map((at) => rates.takeAddress(`2001:db8::${at}`, 0) > 0)).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("keep a bounded number of addresses, whoever comes", () => {
    const rates = new ApiRates(1);
    rates.takeCaller("anna", 0);
    rates.takeCaller("anna", 0);
    for (let at = 0; at < 50_000; at++)
      rates.takeAddress(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, 0);
    expect(rates.known).toBe(10_001);
    expect(rates.takeCaller("anna", 0)).toBeGreaterThan(0);
  });
});

import { expect, test } from "vitest";

import { keysOf } from "./link-keys.ts";

test("what protects a link is said in words, and when it runs out", () => {
  expect(keysOf({ keyExchange: "", keySource: "tls" })).toBe("");
  expect(keysOf({ keyExchange: "X25519MLKEM768", keySource: "tls" })).toBe("X25519MLKEM768");
  expect(keysOf({ keyExchange: "X-Wing", keySource: "sim", qber: 0.0152 })).toBe(
    "X-Wing, simulated QKD, QBER 1.5 %",
  );
  expect(
    keysOf({ keyExchange: "X-Wing", keySource: "qkd", padBytes: 12_300n, padsLastS: 47.9 }),
  ).toBe("X-Wing, QKD, one-time pads (12,300 B left), lasts 48 s");
});

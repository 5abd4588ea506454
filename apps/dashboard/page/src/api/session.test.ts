import { expect, test } from "vitest";

import { pastedToken } from "./session.ts";

test("a person may paste the token or the whole link", () => {
  expect(pastedToken(" abc-DEF_123\n")).toBe("abc-DEF_123");
  expect(pastedToken("http://localhost:7400/#session=abc-DEF_123")).toBe("abc-DEF_123");
});

test("what cannot be a token is none", () => {
  expect(pastedToken("")).toBeUndefined();
  expect(pastedToken("two words")).toBeUndefined();
  expect(pastedToken("http://localhost:7400/")).toBeUndefined();
});

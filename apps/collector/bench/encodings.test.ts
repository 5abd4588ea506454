import { expect, test } from "vitest";

import type { Encoding } from "./encodings.ts";
import { decodeBody, encodeBody } from "./encodings.ts";

test.each<Encoding>(["identity", "gzip", "zstd"])("%s can be taken off again", (encoding) => {
  const body = Buffer.from("a body, a body, a body");
  expect(decodeBody(Buffer.from(encodeBody(body, encoding)), encoding).equals(body)).toBe(true);
});

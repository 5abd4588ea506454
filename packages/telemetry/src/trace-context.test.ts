import { expect, test } from "vitest";

import { decodeTraceContext, encodeTraceContext } from "./trace-context.ts";

const CONTEXT = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 1,
};

test("a context travels in the 29 bytes of the W3C draft", () => {
  const bytes = encodeTraceContext(CONTEXT);
  // The example of the draft, section 3.
  expect(Buffer.from(bytes).toString("hex")).toBe(
    "00000af7651916cd43dd8448eb211c80319c01b7ad6b71692033310201",
  );
  expect(decodeTraceContext(bytes)).toEqual({ ...CONTEXT, isRemote: true });
});

test("bytes that are not a context are ignored", () => {
  const bytes = encodeTraceContext(CONTEXT);
  expect(decodeTraceContext(bytes.subarray(0, 28))).toBeUndefined();
  expect(decodeTraceContext(new Uint8Array(29))).toBeUndefined();
  for (const at of [0, 1, 18, 27]) {
    const broken = bytes.slice();
    broken[at] = 9;
    expect(decodeTraceContext(broken)).toBeUndefined();
  }
});

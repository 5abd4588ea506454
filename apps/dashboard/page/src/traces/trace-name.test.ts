import { create } from "@bufbuild/protobuf";
import { GetTraceResponseSchema } from "@glassline/proto/query";
import { expect, test } from "vitest";

import { spanName } from "./trace-name.ts";
import { sentenceOf } from "./waterfall-rows.ts";

const traceOf = (...hops: { service: string; name: string; startUnixNano: bigint }[]) =>
  create(GetTraceResponseSchema, {
    summary: { services: hops.map(({ service }) => service) },
    hops: hops.map((hop) => ({ ...hop, endUnixNano: hop.startUnixNano + 2_000_000n })),
  });

test("a trace without a camera is called after its first span and that one's service", () => {
  const trace = traceOf(
    { service: "billing", name: "charge", startUnixNano: 1_000_000n },
    { service: "shop", name: "POST /cart", startUnixNano: 0n },
  );
  expect(spanName(trace)).toBe("POST /cart of shop");
});

test("a trace whose first span has no name is called after the service alone", () => {
  expect(spanName(traceOf({ service: "shop", name: "", startUnixNano: 0n }))).toBe("shop");
  expect(spanName(traceOf())).toBe("");
});

test("a trace without a camera does not begin at a lens", () => {
  const trace = traceOf({ service: "shop", name: "POST /cart", startUnixNano: 0n });
  expect(sentenceOf(trace)).toBe("It took 2.00 ms over 1 process.");
  trace.summary!.cameraId = "cam-1";
  expect(sentenceOf(trace)).toBe("From lens to shop in 2.00 ms over 1 process.");
});

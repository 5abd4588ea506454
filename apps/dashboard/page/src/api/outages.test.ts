import { create } from "@bufbuild/protobuf";
import { GetOverviewResponseSchema } from "@glassline/proto/dashboard";
import { expect, test } from "vitest";

import { NO_GATEWAY, outagesOf } from "./outages.ts";

const COLLECTOR = { kind: "collector", name: "collector", reachable: false, error: "refused" };
const NODE = { kind: "mesh-node", name: "node-1", reachable: false, error: "refused" };

function meaningsOf(overview: Parameters<typeof create<typeof GetOverviewResponseSchema>>[1]) {
  const data = create(GetOverviewResponseSchema, overview);
  return (hasValues: boolean) => outagesOf({ data }, hasValues).map(({ meaning }) => meaning);
}

test("values from before an outage are spoken of only when there are some", () => {
  const meanings = meaningsOf({ services: [COLLECTOR], nodes: [{ node: "node-1", gateway: {} }] });
  expect(meanings(true)[0]).toMatch(/^Values below are from before that\. Gateways keep/);
  expect(meanings(false)[0]).toMatch(/^Gateways keep/);
});

test("nothing is said to be kept on disk when no gateway answers", () => {
  const meanings = meaningsOf({ services: [NODE, COLLECTOR], nodes: [{ node: "node-2" }] });
  expect(meanings(false)).toEqual(["", NO_GATEWAY]);
});

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

test("a relay that is away says which way is taken instead", () => {
  const nodes = [{ node: "node-2", gateway: { egress: "node-3" } }];
  expect(meaningsOf({ services: [NODE], nodes })(false)).toEqual([
    "Measurements go by another way, over node-3.",
  ]);
});

const edge = (name: string, reachable: boolean) => ({ kind: "edge-cache", name, reachable });

test("viewers of an edge that is away move to those that answer", () => {
  const away = edge("edge-1", false);
  const meanings = (...others: ReturnType<typeof edge>[]) =>
    meaningsOf({ services: [away, ...others] })(false);
  expect(meanings(edge("edge-2", true), edge("edge-3", true))[0]).toBe(
    "Its viewers move to edge-2 and edge-3.",
  );
  expect(meanings(edge("edge-2", false))[0]).toBe("No edge answers: viewers get no picture.");
});

test("what people look at comes first", () => {
  const kinds = [
    "opsbot",
    "camera",
    "mesh-node",
    "node-agent",
    "edge-cache",
    "origin",
    "collector",
  ];
  const services = kinds.map((kind) => ({ kind, name: kind, reachable: false }));
  const outages = outagesOf({ data: create(GetOverviewResponseSchema, { services }) }, false);
  expect(outages.map(({ name }) => name)).toEqual([
    "collector",
    "origin",
    "edge-cache",
    "node-agent",
    "opsbot",
    "mesh-node",
    "camera",
  ]);
  expect(outages.find(({ name }) => name === "opsbot")?.meaning).toMatch(/nobody watches/);
});

import { create } from "@bufbuild/protobuf";
import { GetOverviewResponseSchema } from "@glassline/proto/dashboard";
import { expect, test } from "vitest";

import { meshGraphOf } from "./mesh-graph.ts";
import { layoutOf } from "./mesh-layout.ts";

function overviewOf(answering: readonly string[], egress: string) {
  const link = (neighbour: string) => ({
    neighbour,
    up: answering.includes(neighbour),
    rttMs: 1,
    cost: 10,
  });
  const all = [
    {
      node: "node-1",
      links: [link("node-2"), link("node-3")],
      routes: [{ origin: egress, nextHop: egress }],
      gateway: { egress, agents: 2 },
    },
    { node: "node-2", links: [link("node-1"), link("node-3")], services: ["collector"] },
    { node: "node-3", links: [link("node-1"), link("node-2")], services: ["collector"] },
  ];
  return create(GetOverviewResponseSchema, {
    services: [{ name: "collector", kind: "collector", reachable: true }],
    nodes: all.filter(({ node }) => answering.includes(node)),
  });
}

test("the way in use leads from the gateway over its egress to the collector", () => {
  const { ways, links } = meshGraphOf(overviewOf(["node-1", "node-2", "node-3"], "node-2"));
  expect(ways).toEqual([["node-1", "node-2", "collector"]]);
  const inUse = links.filter((link) => link.inUse).map(({ from, to }) => `${from} ${to}`);
  expect(inUse).toEqual(["node-1 node-2", "cameras node-1", "node-2 collector"]);
});

test("a node that does not answer is not drawn, nor are its links", () => {
  const { nodes, links } = meshGraphOf(overviewOf(["node-1", "node-3"], "node-3"));
  expect(nodes.map(({ name }) => name)).toEqual(["cameras", "node-1", "node-3", "collector"]);
  expect(links.some(({ from, to }) => from === "node-2" || to === "node-2")).toBe(false);
});

test("nobody answering is an empty picture", () => {
  expect(meshGraphOf(create(GetOverviewResponseSchema, {}))).toEqual({
    nodes: [],
    links: [],
    ways: [],
  });
});

test("the layout places every node once, without overlap, in both directions", () => {
  const graph = meshGraphOf(overviewOf(["node-1", "node-2", "node-3"], "node-2"));
  for (const downwards of [false, true]) {
    const { nodes, width, height } = layoutOf(graph, downwards);
    expect(new Set(nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(5);
    for (const { x, y } of nodes) expect(x > 0 && x < width && y > 0 && y < height).toBe(true);
  }
});

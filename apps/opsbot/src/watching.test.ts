import type { Endpoint } from "@glassline/config";
import { expect, test } from "vitest";

import type { Target } from "./guard.ts";
import type { Deployment } from "./stores/deployments.ts";
import { newDeployment } from "./stores/deployments.ts";
import { watching } from "./watching.ts";

function deployed(channel: string, address: string): Deployment {
  const made = newDeployment(channel);
  const edge = { name: `${channel}-1`, shielded: [] as string[] };
  const shield = { name: `${channel}-shield`, shielded: [edge.name] };
  const edges = [edge, shield] as Deployment["told"]["edges"];
  const kept = { ...made.kept, administration: { [edge.name]: address } };
  return { ...made, told: { ...made.told, edges }, kept };
}

function start() {
  const reads: ((all: Deployment[]) => void)[] = [];
  const known: Endpoint[][] = [];
  const learned: [string, Target][] = [];
  const forgotten: string[] = [];
  const watch = watching({
    network: {
      know: (edges) => {
        known.push([...edges.values()]);
        return { came: [...edges.keys()], went: [] };
      },
    },
    guard: { learn: (name, target) => void learned.push([name, target]), forget: () => {} },
    vnis: { awaitedNodes: async () => ["machine-9"] },
    machines: { known: () => new Map() },
    deployments: { all: () => new Promise((resolve) => reads.push(resolve)) },
    forget: (object) => forgotten.push(object),
  });
  /** The journal answers what was asked last. */
  const answer = async (all: Deployment[]) => {
    await expect.poll(() => reads.length).toBeGreaterThan(0);
    reads.pop()!(all);
  };
  return { watch, answer, known, learned, forgotten };
}

test("deployed edges are known by their addresses", async () => {
  const { watch, answer, known } = start();
  const watched = watch();
  await answer([deployed("harbour", "[fd47::1]:7601"), deployed("quay", "192.0.2.1:7605")]);
  await watched;
  expect(known).toEqual([
    [
      { name: "harbour-1", host: "fd47::1", port: 7_601 },
      { name: "quay-1", host: "192.0.2.1", port: 7_605 },
    ],
  ]);
});

test("an edge serves the viewers of its channel, and a shield none of them", async () => {
  const { watch, answer, learned } = start();
  const watched = watch();
  const harbour = deployed("harbour", "localhost:7601");
  const administration = { ...harbour.kept.administration, "harbour-shield": "localhost:7605" };
  await answer([{ ...harbour, kept: { ...harbour.kept, administration } }]);
  await watched;
  expect(learned).toContainEqual([
    "harbour-1",
    { kind: "edge", domain: "edges", channel: "harbour" },
  ]);
  const shield = { kind: "edge", domain: "edges", channel: "the shield of harbour" };
  expect(learned).toContainEqual(["harbour-shield", shield]);
});

test("machines that only VNIs wait for are known, also to a life of OpsBot that never saw them", async () => {
  const { watch, answer, learned } = start();
  const watched = watch();
  const harbour = deployed("harbour", "localhost:7601");
  await answer([{ ...harbour, kept: { ...harbour.kept, overlayMachines: ["machine-8"] } }]);
  await watched;
  expect(learned.map(([name]) => name)).toEqual(expect.arrayContaining(["machine-8", "machine-9"]));
});

test("what was read first does not take the place of what was read last", async () => {
  const { watch, answer, known, forgotten } = start();
  const first = watch();
  const second = watch();
  await answer([]);
  await first;
  await answer([deployed("harbour", "localhost:7601")]);
  await second;
  expect(known.map((edges) => edges.length)).toEqual([0, 1]);
  const gone = watch();
  await answer([]);
  await gone;
  expect(forgotten).toEqual(["harbour"]);
});

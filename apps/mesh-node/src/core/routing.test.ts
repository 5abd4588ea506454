import type { Random } from "@glassline/service/random";
import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import type { Conditions } from "../../simulator/virtual-mesh.ts";
import { LAWLESS, ORDERLY, VirtualMesh } from "../../simulator/virtual-mesh.ts";
import { churn } from "../../simulator/churn.ts";
import { INFINITE_METRIC } from "./routing/distance.ts";
import type { Advertisement } from "./routing/routing.ts";
import { DESTINATIONS_MAX, Routing } from "./routing/routing.ts";

function triangle(): VirtualMesh {
  const mesh = new VirtualMesh(seededRandom(1), ORDERLY);
  for (const name of ["node-1", "node-2", "node-3"]) mesh.add(name);
  mesh.connect("node-1", "node-2", [10, 10]);
  mesh.connect("node-1", "node-3", [30, 30]);
  mesh.connect("node-2", "node-3", [10, 10]);
  settle(mesh);
  return mesh;
}

const settle = (mesh: VirtualMesh) => mesh.run(mesh.nowMs + 5_000);

describe("routing", () => {
  test("finds the cheapest way, and another one when a link is gone", () => {
    const mesh = triangle();
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-2", "node-3"]);
    mesh.disconnect("node-1", "node-2");
    settle(mesh);
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-3"]);
    expect(mesh.path("node-1", "node-2")).toEqual(["node-1", "node-3", "node-2"]);
  });

  test("says nothing when nothing changes", () => {
    const mesh = triangle();
    const { routingEvents } = mesh;
    mesh.run(mesh.nowMs + 3_600_000);
    expect(mesh.routingEvents).toBe(routingEvents);
  });

  test("forgets who is gone", () => {
    const mesh = triangle();
    mesh.disconnect("node-1", "node-3");
    mesh.disconnect("node-2", "node-3");
    settle(mesh);
    expect([...mesh.routing("node-1").routes()].map(({ origin }) => origin)).toEqual(["node-2"]);
    mesh.run(mesh.nowMs + 200_000);
    expect(mesh.routing("node-1").dueMs).toBeUndefined();
  });

  test("knows the nearest node of a service, and follows it when it moves", () => {
    const mesh = triangle();
    const nearest = () => mesh.routing("node-1").nearest("collector");
    expect(nearest()).toBeUndefined();
    mesh.offer("node-2", ["collector"]);
    mesh.offer("node-3", ["collector"]);
    settle(mesh);
    expect(nearest()).toBe("node-2");
    mesh.offer("node-2", []);
    settle(mesh);
    expect(nearest()).toBe("node-3");
    mesh.offer("node-1", ["collector"]);
    expect(nearest()).toBe("node-1");
  });

  test("keeps the way in use while another is better by little only", () => {
    const mesh = triangle();
    mesh.price("node-1", "node-3", 19);
    settle(mesh);
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-2", "node-3"]);
    mesh.price("node-1", "node-3", 5);
    settle(mesh);
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-3"]);
  });

  test("a way that gets longer stays in use until the number is there that frees a better one", () => {
    const mesh = triangle();
    mesh.price("node-2", "node-3", 500);
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-2", "node-3"]);
    settle(mesh);
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-3"]);
    expect(mesh.path("node-2", "node-3")).toEqual(["node-2", "node-1", "node-3"]);
  });

  test("a node whose number is lower than that of its earlier life is found again", () => {
    const mesh = triangle();
    for (let more = 0; more < 50; more++) mesh.offer("node-3", [`${more}`]);
    settle(mesh);
    mesh.restart("node-3");
    mesh.connect("node-2", "node-3");
    settle(mesh);
    expect(mesh.path("node-1", "node-3")).toEqual(["node-1", "node-2", "node-3"]);
  });

  const chance = (random: Random) => 3 + Math.floor(random() * 30);

  test.each(Array.from({ length: 30 }, (_, seed) => seed + 1))(
    "never loops, whatever happens when, and finds every way in the end; seed %i",
    (seed) => {
      const mesh = churned(seed, ORDERLY);
      mesh.run(mesh.nowMs + 120_000);
      for (const from of mesh.names)
        for (const to of mesh.reachable(from)) expect(mesh.path(from, to).at(-1)).toBe(to);
    },
  );

  test.each(Array.from({ length: 15 }, (_, seed) => seed + 1))(
    "never loops where messages are lost, doubled and out of order; seed %i",
    (seed) => void churned(seed, LAWLESS),
  );

  function churned(seed: number, conditions: Conditions): VirtualMesh {
    const random = seededRandom(seed);
    const mesh = new VirtualMesh(random, conditions);
    for (let at = chance(random); at > 0; at--) mesh.add(`n${at}`);
    for (let turn = 0; turn < 600; turn++) churn(mesh, random);
    expect(mesh.loops).toEqual([]);
    expect(mesh.routingEvents).toBeGreaterThan(500);
    return mesh;
  }

  test("a neighbour that tells of more than there may be fills no memory", () => {
    const routing = new Routing("node-1", 1);
    routing.step({ type: "link-up", neighbour: "node-2", cost: 10, isAnother: true }, 0);
    const route = (at: number): Advertisement => ({
      origin: `o${at}`,
      seqno: 1,
      metric: 0,
      services: [],
    });
    const routes = Array.from({ length: DESTINATIONS_MAX + 7 }, (_, at) => route(at));
    routing.step({ type: "update", neighbour: "node-2", routes, isFull: true }, 1);
    expect([...routing.routes()]).toHaveLength(DESTINATIONS_MAX);
    expect(routing.ignored).toBe(7);
  });

  test("a metric beyond the largest is none, and a number beyond the largest is not wrapped", () => {
    const routing = new Routing("node-1", 4_294_967_294);
    routing.step({ type: "link-up", neighbour: "node-2", cost: 10, isAnother: true }, 0);
    const far = { origin: "node-3", seqno: 1, metric: INFINITE_METRIC - 5, services: [] };
    routing.step({ type: "update", neighbour: "node-2", routes: [far], isFull: true }, 1);
    expect(routing.routeTo("node-3")).toBeUndefined();
    for (let turn = 0; turn < 5; turn++) routing.step({ type: "services", services: [] }, 100);
    const [update] = routing.step({ type: "services", services: ["collector"] }, 200);
    expect(update).toMatchObject({ routes: [{ origin: "node-1", seqno: 4_294_967_295 }] });
  });
});

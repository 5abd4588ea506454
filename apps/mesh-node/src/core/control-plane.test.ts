import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { MovingMesh, grid, gridNode, isComplete } from "../../simulator/topologies.ts";
import { NEAR } from "../../simulator/virtual-mesh.ts";
import { ControlPlane } from "./control-plane.ts";
import { BUSY_HELLO_MS } from "./liveness.ts";

const FROM = gridNode(0, 0);
const TO = gridNode(3, 3);

describe("the control plane, in virtual time", () => {
  test("goes around a relay that stops without a word within half a second", () => {
    const gapsMs = Array.from({ length: 30 }, (_, seed) => {
      const mesh = grid(4, seededRandom(seed + 1), NEAR);
      mesh.run(3_000);
      const arrivals = mesh.flow(FROM, TO, 10, mesh.nowMs + 6_000);
      mesh.run(mesh.nowMs + 3_000);
      const relays = mesh.path(FROM, TO).slice(1, -1);
      mesh.kill(relays[seed % relays.length]!);
      mesh.run(mesh.nowMs + 6_000);
      expect(mesh.loops).toEqual([]);
      return Math.max(...arrivals.slice(1).map((atMs, index) => atMs - arrivals[index]!));
    });
    expect(Math.max(...gapsMs)).toBeLessThan(500);
  });

  test("those whose links to it are idle hear of it, and do not wait for their own hellos", () => {
    const mesh = grid(4, seededRandom(3), NEAR);
    mesh.run(3_000);
    mesh.flow(FROM, TO, 10, mesh.nowMs + 10_000);
    mesh.run(mesh.nowMs + 3_000);
    const relay = mesh.path(FROM, TO)[2]!;
    mesh.kill(relay);
    mesh.run(mesh.nowMs + 900);
    for (const neighbour of mesh.neighbours(relay))
      expect([neighbour, mesh.routing(neighbour).costOf(relay)]).toEqual([neighbour, undefined]);
  });

  test("a relay that stands still for less than what would be noticed stays", () => {
    const mesh = grid(4, seededRandom(4), NEAR);
    mesh.run(3_000);
    const arrivals = mesh.flow(FROM, TO, 10, mesh.nowMs + 4_000);
    mesh.run(mesh.nowMs + 2_000);
    const path = mesh.path(FROM, TO);
    mesh.pause(path[2]!, 2 * BUSY_HELLO_MS);
    mesh.run(mesh.nowMs + 2_000);
    expect(mesh.path(FROM, TO)).toEqual(path);
    expect(arrivals.length).toBeGreaterThan(400 - 30);
  });

  test("who was away longer than that is dialled again, and a mesh that was cut in two is one again", () => {
    const mesh = grid(4, seededRandom(5), NEAR);
    mesh.run(3_000);
    mesh.flow(FROM, TO, 10, mesh.nowMs + 20_000);
    mesh.run(mesh.nowMs + 2_000);
    mesh.pause(mesh.path(FROM, TO)[2]!, 5_000);
    mesh.run(mesh.nowMs + 3_000);
    for (let y = 0; y < 4; y++) mesh.disconnect(gridNode(1, y), gridNode(2, y), false);
    mesh.run(mesh.nowMs + 15_000);
    expect(mesh.path(FROM, TO)).toEqual([FROM]);
    for (let y = 0; y < 4; y++) mesh.connect(gridNode(1, y), gridNode(2, y));
    mesh.run(mesh.nowMs + 5_000);
    expect(isComplete(mesh)).toBe(true);
    expect(mesh.loops).toEqual([]);
  });

  test("follows nodes that move, without a loop", () => {
    const { mesh, move } = movingMesh();
    for (let step = 0; step < 20; step++) {
      move();
      mesh.flow("node-1", "node-2", 50, mesh.nowMs + 2_000);
      mesh.run(mesh.nowMs + 2_000);
    }
    mesh.run(mesh.nowMs + 20_000);
    expect(mesh.loops).toEqual([]);
    expect(isComplete(mesh)).toBe(true);
  });
});

test("a route leaves a link whose keys run out before they do, and comes back when there are new ones", () => {
  const plane = new ControlPlane("a", 1);
  for (const [neighbour, metric] of [
    ["b", 100],
    ["c", 190],
  ] as const) {
    plane.step({ type: "link-up", neighbour, isAnother: true }, 0);
    const route = { origin: "d", seqno: 1, metric, services: [] };
    const message = { type: "update", isFull: true, routes: [route] } as const;
    plane.step({ type: "heard", neighbour, message }, 0);
  }
  const wayWith = (lastS: number) => {
    plane.step({ type: "keys", neighbour: "b", padsLastS: Infinity, keysLastS: lastS }, 1_000);
    return plane.routing.routeTo("d")?.nextHop;
  };
  expect([wayWith(Infinity), wayWith(400), wayWith(150)]).toEqual(["b", "b", "b"]);
  expect([wayWith(40), wayWith(10), wayWith(Infinity)]).toEqual(["c", "c", "b"]);
  plane.step({ type: "link-down", neighbour: "c" }, 2_000);
  expect([wayWith(30), wayWith(10)]).toEqual(["b", undefined]);
});

function movingMesh() {
  const moving = new MovingMesh(20, 0.4, seededRandom(6), NEAR);
  return { mesh: moving.mesh, move: () => moving.move(0.05) };
}

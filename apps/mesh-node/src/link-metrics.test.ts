import { createMetrics } from "@glassline/service/metrics";
import { expect, test } from "vitest";

import { loadOf, registerLinkMetrics } from "./link-metrics.ts";
import type { Router } from "./router.ts";

test("links are measured when metrics are read, and no longer when they are gone", async () => {
  const metrics = createMetrics("node-1");
  const links: object[] = [
    { neighbour: "node-2", rttMs: 12, lossRatio: 0.1, keyAgeS: 30, keysLastS: 40 },
    { neighbour: "node-3", rttMs: 1, lossRatio: 0 },
  ];
  const router = { status: () => ({ links, routes: [], services: [] }) } as unknown as Router;
  registerLinkMetrics(metrics, router);
  const read = async () => (await metrics.registry.metrics()).split("\n");
  const lines = await read();
  for (const line of [
    'glassline_mesh_links_up{app="node-1"} 2',
    'glassline_mesh_link_rtt_seconds{neighbour="node-2",app="node-1"} 0.012',
    'glassline_mesh_link_loss_ratio{neighbour="node-2",app="node-1"} 0.1',
    'glassline_mesh_link_key_age_seconds{neighbour="node-2",app="node-1"} 30',
    'glassline_mesh_link_time_to_empty_seconds{neighbour="node-2",app="node-1"} 40',
  ])
    expect(lines).toContain(line);
  expect(lines.filter((line) => line.startsWith("glassline_mesh_link_key_age"))).toHaveLength(1);
  const load = lines.find((line) => line.startsWith("glassline_mesh_load_ratio{"))!;
  expect(Number(load.split(" ")[1])).toBeGreaterThanOrEqual(0.5);
  links.splice(0);
  expect((await read()).filter((line) => line.includes("neighbour="))).toEqual([]);
});

test("a node is busy with packets, or short of keys", () => {
  expect(loadOf(0.3, Infinity)).toBe(0.3);
  expect(loadOf(0.3, 40)).toBe(0.5);
  expect(loadOf(0.3, 0)).toBe(1);
});

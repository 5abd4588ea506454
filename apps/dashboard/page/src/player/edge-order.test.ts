import { expect, test } from "vitest";

import { edgeName, edgeOrder, retryDelayMs } from "./edge-order.ts";

const EDGES = ["http://a:1", "http://b:2", "http://c:3"];

test("the edge that failed is tried last", () => {
  expect(edgeOrder(EDGES, undefined)).toEqual(EDGES);
  expect(edgeOrder(EDGES, "http://b:2/live/x/1.m4s")).toEqual([
    "http://c:3",
    "http://a:1",
    "http://b:2",
  ]);
  expect(edgeOrder(EDGES, "http://gone:9/")).toEqual(EDGES);
});

test("each edge is tried at once before the pauses begin", () => {
  const delays = [0, 1, 2, 3, 5, 6, 30].map((failures) => retryDelayMs(failures, 3, 0));
  expect(delays).toEqual([0, 0, 0, 500, 500, 1_000, 3_000]);
  expect(retryDelayMs(30, 3, 1)).toBeLessThan(3_000);
});

test("an edge has the name of its pathway, or else its address", () => {
  const pathwayIds = new Map([["http://a:1", "edge-1"]]);
  expect(edgeName("http://a:1/live/x.m3u8", pathwayIds)).toBe("edge-1");
  expect(edgeName("http://b:2/live/x.m3u8", pathwayIds)).toBe("b:2");
});

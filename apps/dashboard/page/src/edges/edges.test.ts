import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { EdgeSchema } from "@glassline/proto/dashboard";
import { TrafficCountsSchema } from "@glassline/proto/edge";
import { EdgePhase } from "@glassline/proto/node";
import { expect, test } from "vitest";

import { createEdgeHistory } from "./edge-history.ts";
import { edgeState, edgeStateText } from "./edge-phase.ts";
import { hitRatio, originOffload, totalsOf } from "./traffic.ts";

type EdgeInit = MessageInitShape<typeof EdgeSchema>;

const edge = (init: EdgeInit) => create(EdgeSchema, { name: "edge-1", reachable: true, ...init });
const counts = (init: MessageInitShape<typeof TrafficCountsSchema>) =>
  create(TrafficCountsSchema, init);

test("whoever waited for another's fetch was a hit", () => {
  expect(hitRatio([counts({ hits: 6n, coalesced: 2n, misses: 2n })])).toBe(0.8);
  expect(hitRatio([counts({ hits: 1n }), undefined, counts({ misses: 3n })])).toBe(0.25);
});

test("nothing asked is no ratio, and not zero", () => {
  expect(hitRatio([counts({})])).toBeUndefined();
  expect(hitRatio([])).toBeUndefined();
  expect(originOffload(counts({}))).toBeUndefined();
});

test("the origin is spared what edges send from their store", () => {
  expect(originOffload(counts({ sentBytes: 100n, originBytes: 5n }))).toBe(0.95);
  expect(originOffload(counts({ sentBytes: 100n, originBytes: 500n }))).toBe(0);
});

test("totals count who answers, and weigh ratios by what was asked", () => {
  const recent = { hits: 9n, misses: 1n };
  const totals = totalsOf([
    edge({ status: { viewers: 3, recent } }),
    edge({ name: "edge-2", status: { viewers: 4, recent: { misses: 10n } } }),
    edge({ name: "edge-3", reachable: false }),
  ]);
  expect(totals).toEqual({ ready: 2, all: 3, viewers: 7, hitRatio: 0.45 });
});

test("a rate needs two answers of the same life of an edge", () => {
  const history = createEdgeHistory();
  const told = (startedUnixNano: bigint, requests: bigint, sentBytes: bigint) =>
    edge({ status: { startedUnixNano, total: { requests: { segment: requests }, sentBytes } } });
  history.record([told(1n, 10n, 1_000n)], 0);
  expect(history.trendOf("edge-1").requestsPerSecond).toBeUndefined();
  history.record([told(1n, 30n, 5_000n)], 2_000);
  expect(history.trendOf("edge-1")).toMatchObject({
    requestsPerSecond: 10,
    sentBytesPerSecond: 2_000,
  });
  history.record([told(2n, 1n, 10n)], 3_000);
  expect(history.trendOf("edge-1").requestsPerSecond).toBeUndefined();
  history.record([edge({ reachable: false })], 4_000);
  expect(history.trendOf("edge-1").sentBytesPerSecond).toBeUndefined();
});

test("the node-agent's word holds, but not that an edge is ready when it gives no answer", () => {
  const phase = (value: EdgePhase, reachable: boolean) =>
    edgeState(edge({ reachable, process: { phase: value } }));
  expect(phase(EdgePhase.READY, true)).toBe("ready");
  expect(phase(EdgePhase.READY, false)).toBe("away");
  expect(phase(EdgePhase.STARTING, false)).toBe("starting");
  expect(phase(EdgePhase.UNREADY, true)).toBe("unready");
  expect(edgeState(edge({}))).toBe("ready");
  expect(edgeState(edge({ reachable: false }))).toBe("away");
});

test("a restart is counted down", () => {
  const process = { phase: EdgePhase.WAITING, nextStartUnixNano: 5_000_000_000n };
  const waiting = edge({ reachable: false, process });
  expect(edgeStateText(waiting, 2_500)).toBe("waiting, starts in 3 s");
  expect(edgeStateText(waiting, 6_000)).toBe("waiting to start");
});

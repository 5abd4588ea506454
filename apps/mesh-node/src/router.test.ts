import { create } from "@bufbuild/protobuf";
import { CircuitSignal, FrameSchema } from "@glassline/proto/mesh";
import type { Data } from "@glassline/proto/mesh";
import { simulatedClock } from "@glassline/service/clock/testing";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { encodeTraceContext } from "@glassline/telemetry/trace-context";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { linkInMemory } from "./links/memory-links.testing.ts";
import { meshMetrics } from "./metrics.ts";
import type { Router } from "./router.ts";
import { createRouter } from "./router.ts";

interface Node {
  router: Router;
  metrics: ReturnType<typeof meshMetrics>;
  arrived: Data[];
}

const exported = new InMemorySpanExporter();
const provider = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter: exported })],
});
let clock: ReturnType<typeof simulatedClock>;
let nodes: Record<string, Node>;

function node(name: string): Node {
  const metrics = meshMetrics(createMetrics(name));
  const router = createRouter({
    node: name,
    clock,
    logger: createLogger(name, "silent"),
    metrics,
    tracer: provider.getTracer("test"),
  });
  const arrived: Data[] = [];
  router.onArrival((data) => arrived.push(data));
  return { router, metrics, arrived };
}

function connect(a: string, b: string) {
  return linkInMemory(
    { name: a, events: nodes[a]!.router.linkEvents },
    { name: b, events: nodes[b]!.router.linkEvents },
  );
}

const CONTEXT = encodeTraceContext({
  traceId: "0a".repeat(16),
  spanId: "0b".repeat(8),
  traceFlags: 1,
});

/** A message whose way is recorded. */
function send(from: string, destination: string): boolean {
  return nodes[from]!.router.send({
    circuit: 1n,
    destination,
    signal: CircuitSignal.DATA,
    payload: new Uint8Array([1]),
    hopContexts: [CONTEXT],
  });
}

const dropped = async (name: string) => {
  const { values } = await nodes[name]!.metrics.framesDropped.get();
  return Object.fromEntries(values.map(({ labels, value }) => [labels["reason"], value]));
};

beforeEach(() => {
  exported.reset();
  clock = simulatedClock();
  nodes = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, node(name)]));
});
afterEach(() => Object.values(nodes).forEach(({ router }) => router[Symbol.dispose]()));

describe("the router", () => {
  test("carries frames over a relay, with the way they took", async () => {
    connect("a", "b");
    connect("b", "c");
    await clock.advance(2_000);
    expect(send("a", "c")).toBe(true);
    await clock.advance(10);
    expect(nodes["c"]!.arrived).toMatchObject([
      { source: "a", destination: "c", path: ["a", "b", "c"] },
    ]);
    expect((await nodes["b"]!.metrics.framesRelayed.get()).values[0]!.value).toBe(1);
  });

  test("delivers to itself without a link", async () => {
    expect(send("a", "a")).toBe(true);
    await clock.advance(10);
    expect(nodes["a"]!.arrived).toHaveLength(1);
  });

  test("drops and counts what has no way", async () => {
    expect(send("a", "nowhere")).toBe(false);
    expect(await dropped("a")).toEqual({ no_route: 1 });
  });

  test("what has lost its way waits for another one, 3 s at most", async () => {
    const [link] = connect("a", "b");
    connect("b", "c");
    await clock.advance(2_000);
    link.close("cut");
    await clock.advance(1);
    expect(send("a", "c")).toBe(true);
    await clock.advance(300);
    expect(nodes["c"]!.arrived).toEqual([]);
    connect("a", "c");
    await clock.advance(300);
    expect(nodes["c"]!.arrived.at(-1)).toMatchObject({ path: ["a", "c"] });

    nodes["c"]!.router[Symbol.dispose]();
    await clock.advance(3_000);
    send("a", "c");
    await clock.advance(2_990);
    expect(await dropped("a")).toEqual({});
    await clock.advance(20);
    expect(await dropped("a")).toEqual({ no_route: 1 });
  });

  test("so many wait, and no more", async () => {
    const [link] = connect("a", "b");
    await clock.advance(2_000);
    link.close("cut");
    await clock.advance(1);
    const frame = { circuit: 1n, destination: "b", payload: new Uint8Array(100_000) };
    const taken = Array.from({ length: 12 }, () => nodes["a"]!.router.send(frame));
    expect(taken.filter(Boolean)).toHaveLength(10);
    expect(await dropped("a")).toEqual({ no_route: 2 });
    await clock.advance(3_100);
    expect(await dropped("a")).toEqual({ no_route: 12 });
    expect(nodes["a"]!.router.send(frame)).toBe(true);
  });

  test("declares a neighbour dead that says nothing, and takes the other way", async () => {
    const [fromA] = connect("a", "b");
    connect("b", "c");
    connect("a", "c");
    await clock.advance(2_000);
    nodes["b"]!.router[Symbol.dispose]();
    void fromA;
    await clock.advance(3_000);
    expect(nodes["a"]!.router.status().links.map(({ neighbour }) => neighbour)).toEqual(["c"]);
    send("a", "c");
    await clock.advance(10);
    expect(nodes["c"]!.arrived.at(-1)!.path).toEqual(["a", "c"]);
  });

  test("goes around nodes that must not carry a frame, and nowhere twice", async () => {
    connect("a", "b");
    connect("b", "c");
    connect("a", "d");
    connect("d", "c");
    connect("b", "d");
    await clock.advance(2_000);
    const frame = { circuit: 1n, destination: "c", payload: new Uint8Array([1]) };
    const sent = (...avoid: string[]) => nodes["a"]!.router.send({ ...frame, avoid });
    for (const avoided of ["b", "d"]) {
      expect(sent("a", avoided)).toBe(true);
      await clock.advance(10);
      const around = avoided === "b" ? "d" : "b";
      expect(nodes["c"]!.arrived.at(-1)).toMatchObject({ source: "a", path: ["a", around, "c"] });
    }
    expect(sent("a", "b", "d")).toBe(false);
    expect(await dropped("a")).toEqual({ no_route: 1 });
  });

  test("tells in the spans of sampled reports what the keys of the way were made of", async () => {
    connect("a", "b");
    connect("b", "c");
    await clock.advance(2_000);
    const report = { circuit: 1n, destination: "c", payload: new Uint8Array([1]) };
    nodes["a"]!.router.send({ ...report, hopContexts: [CONTEXT] });
    await clock.advance(10);
    const spans = exported.getFinishedSpans();
    expect(spans.map(({ attributes }) => attributes["quantum.link.key_source"])).toEqual([
      "tls",
      "tls",
    ]);
    expect(spans[1]!.parentSpanContext?.spanId).toBe(spans[0]!.spanContext().spanId);
    expect(nodes["c"]!.arrived[0]!.keySources).toEqual(["tls", "tls"]);
  });

  test("what a link took with it goes another way", async () => {
    const [link] = connect("a", "b");
    connect("b", "c");
    await clock.advance(2_000);
    connect("a", "c");
    await clock.advance(2_000);
    const { linkEvents } = nodes["a"]!.router;
    link.close("cut");
    const data = {
      source: "a",
      destination: "c",
      hopLimit: 9,
      path: ["a"],
      payload: new Uint8Array([7]),
    };
    const frameOf = (signal: CircuitSignal, hopLimit = 9) =>
      create(FrameSchema, { frame: { case: "data", value: { ...data, signal, hopLimit } } });
    linkEvents.undelivered!(link, frameOf(CircuitSignal.DATA));
    linkEvents.undelivered!(link, frameOf(CircuitSignal.OPEN));
    linkEvents.undelivered!(link, frameOf(CircuitSignal.DATA, 1));
    await clock.advance(10);
    expect(nodes["c"]!.arrived).toMatchObject([
      { path: ["a", "c"], payload: data.payload, hopLimit: 8 },
    ]);
    expect(await dropped("a")).toEqual({ hop_limit: 1 });
  });

  test("announces services, finds the nearest and forgets them when they go", async () => {
    connect("a", "b");
    connect("b", "c");
    nodes["c"]!.router.setServices(["collector"]);
    await clock.advance(2_000);
    expect(nodes["a"]!.router.nearest("collector")).toBe("c");
    expect(nodes["a"]!.router.reaches("c", "collector")).toBe(true);
    nodes["c"]!.router.setServices([]);
    await clock.advance(500);
    expect(nodes["a"]!.router.nearest("collector")).toBeUndefined();
  });

  test("measures its links", async () => {
    connect("a", "b");
    await clock.advance(3_000);
    expect(nodes["a"]!.router.status().links).toMatchObject([
      { neighbour: "b", up: true, cost: 100, rttMs: 0 },
    ]);
  });
});

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { decodeRequest } from "@glassline/remote-write/decode";
import { decompress } from "@glassline/remote-write/snappy";
import { expect, test } from "vitest";

import { PointsEncoder } from "../core/otlp-points.ts";
import { grouped } from "../core/record-reader.ts";
import { RemoteWriteTarget } from "./remote-write-target.ts";

const never = new AbortController().signal;
/** A point of each of two cameras. */
const series = ["cam-1", "cam-2"].map((cameraId) => ({
  cameraId,
  metric: "x",
  unit: "",
  kind: "gauge" as const,
  attributes: {},
}));
const points = grouped({
  series,
  cameras: [],
  traceContexts: [],
  seriesIndex: Uint32Array.of(0, 1),
  timeUnixNano: BigUint64Array.of(1_000_000n, 1_000_000n),
  value: Float64Array.of(1, 2),
});
const [{ body } = { body: new Uint8Array() }] = [
  ...new PointsEncoder().encode(points, () => undefined, 1_000_000),
];

async function answering(status: number) {
  const received: Buffer[] = [];
  const server = createServer((incoming, response) => {
    incoming.on("data", (chunk: Buffer) => received.push(chunk));
    incoming.on("end", () => response.writeHead(status).end("why"));
  }).listen(0, "localhost");
  await once(server, "listening");
  const target = new RemoteWriteTarget({
    kind: "prometheusremotewrite",
    url: `http://localhost:${(server.address() as AddressInfo).port}/api/v1/write`,
    message: "prometheus.WriteRequest",
    suffixes: true,
    headers: {},
    timeoutMs: 5_000,
    tls: undefined,
  });
  const outcome = await target.send({ signal: "metrics", body, items: 2 }, never);
  target[Symbol.dispose]();
  server.close();
  return { outcome, body: Buffer.concat(received) };
}

test("cameras stay apart: each is an instance", async () => {
  const { outcome, body } = await answering(204);
  expect(outcome).toEqual({ kind: "taken", rejected: 0, message: "" });
  const { request } = decodeRequest("prometheus.WriteRequest", decompress(body, 1_000_000));
  const instances = request.resourceMetrics.map(
    ({ resource }) =>
      resource!.attributes.find(({ key }) => key === "service.instance.id")!.value!.value.value,
  );
  expect(instances.toSorted()).toEqual(["cam-1", "cam-2"]);
});

test.each([
  [500, "failed"],
  [503, "failed"],
  [429, "failed"],
  [401, "failed"],
  [400, "refused"],
])("status %d means %s", async (status, kind) => {
  const { outcome } = await answering(status);
  expect(outcome).toMatchObject({ kind, reason: `http_${status}`, message: `HTTP ${status}: why` });
});

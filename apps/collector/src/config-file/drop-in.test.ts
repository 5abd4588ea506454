/** A collector that is started with a file as the OpenTelemetry Collector's documentation has them. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";

import { freePort } from "@glassline/bench/ports";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Collectors, post } from "../exporters/collectors.testing.ts";
import { logsRequest, textsIn } from "../exporters/exporter.testing.ts";

let collectors: Collectors;
let target: Server;
let bodies: Buffer[];
beforeEach(async () => {
  collectors = await Collectors.open();
  bodies = [];
  target = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      bodies.push(Buffer.concat(chunks));
      response.end();
    });
  }).listen(0, "localhost");
  await once(target, "listening");
});
afterEach(async () => {
  target.close();
  await collectors[Symbol.asyncDispose]();
});

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function file(healthPort: number): Promise<string> {
  const path = join(collectors.directory, "typical.yaml");
  await writeFile(
    path,
    `
extensions:
  health_check:
    endpoint: localhost:${healthPort}

receivers:
  otlp:
    protocols:
      grpc:
        endpoint: localhost:0
      http:
        endpoint: localhost:0

processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: 4000
    spike_limit_mib: 800
  batch:

exporters:
  otlphttp:
    endpoint: http://localhost:${portOf(target)}
    compression: none

service:
  extensions: [health_check]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [otlphttp]
    logs:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [otlphttp]
`,
  );
  return path;
}

test("takes OTLP, gathers it, passes it on, and answers the health check", async () => {
  const healthPort = await freePort();
  const { addresses } = await collectors.start("c", [`--config=${await file(healthPort)}`]);
  expect(addresses.otlpGrpcPort).toBeGreaterThan(0);
  expect((await fetch(`http://localhost:${healthPort}/`)).status).toBe(200);
  await post(addresses.otlpHttpPort, "/v1/logs", logsRequest("one"));
  await post(addresses.otlpHttpPort, "/v1/logs", logsRequest("two"));
  await vi.waitFor(() => expect(bodies).toHaveLength(1), { timeout: 10_000 });
  expect(textsIn(bodies[0]!)).toEqual(["one", "two"]);
});

test("a flag counts more than the file", async () => {
  const port = await freePort();
  const words = [`--config=${await file(await freePort())}`, `--otlp-http-port=${port}`];
  const { addresses } = await collectors.start("c", words);
  expect(addresses.otlpHttpPort).toBe(port);
});

test("a file that is wrong ends the start with every place that is", async () => {
  const path = join(collectors.directory, "wrong.yaml");
  await writeFile(path, "receivers: {otlpp: }\nexporter: {}\n");
  await expect(collectors.start("c", [`--config=${path}`])).rejects.toThrow(
    /wrong\.yaml:1:13: receivers: got "otlpp", expected one of otlp, otqmn \(did you mean otlp\?\)/,
  );
});

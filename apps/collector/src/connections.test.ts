/** Twice as many connections as a port takes: half of them are closed and counted, and others may come when those that are open go. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@glassline/service/clock";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test } from "vitest";

import { startByFlags } from "./collector.testing.ts";
import { OtqmnPeer } from "./receivers/otqmn.testing.ts";

const MAX = 4;
const FLAGS = [
  `--connections=${MAX}`,
  "--load-balancer=lb",
  "--otlp-token=secret",
  ...["port", "balancer-port", "admin-port", "otlp-grpc-port", "otlp-http-port"].map(
    (port) => `--${port}=0`,
  ),
];

test("each port takes as many connections as it may, and refuses and counts the rest", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-connections-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const issue = await ephemeralPki();
  const identity = await issue({ role: "collector", instance: "collector" });
  const metrics = createMetrics("collector");
  const flags = [...FLAGS, `--data-dir=${directory}`];
  const { addresses } = stack.use(await startByFlags(flags, identity, metrics));
  const value = async (name: string, port: string) => {
    const { values } = await metrics.registry.getSingleMetric(`glassline_${name}`)!.get();
    return values.find(({ labels }) => labels.port === port)?.value ?? 0;
  };

  const ports = {
    otqmn: addresses.port,
    balancer: addresses.balancerPort,
    admin: addresses.adminPort,
    otlp_grpc: addresses.otlpGrpcPort,
    otlp_http: addresses.otlpHttpPort,
  };
  for (const [name, port] of Object.entries(ports)) {
    const closed = new Set<Socket>();
    const sockets: Socket[] = [];
    for (let count = 0; count < 2 * MAX; count++) {
      const socket = connect(port, "127.0.0.1").resume();
      socket.on("error", () => {}).on("close", () => closed.add(socket));
      sockets.push(socket);
      await once(socket, "connect");
    }
    while (closed.size < MAX) await systemClock.sleep(10);
    expect([...closed], name).toEqual(sockets.slice(MAX));
    expect(await value("connections", name)).toBe(MAX);
    expect(await value("connections_refused_total", name)).toBe(MAX);
    for (const socket of sockets) socket.destroy();
    while ((await value("connections", name)) > 0) await systemClock.sleep(10);
  }

  using peer = new OtqmnPeer(addresses.port, await issue({ role: "mesh-node", instance: "a" }));
  await peer.hello().expect("welcome");
  expect(await value("connections", "otqmn")).toBe(1);
});

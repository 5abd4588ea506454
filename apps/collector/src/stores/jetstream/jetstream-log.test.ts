/** The telemetry log in JetStream, on real servers. */
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { afterAll, beforeAll } from "vitest";

import type { LogPlace } from "../telemetry-log.contract.ts";
import { telemetryLogContract } from "../telemetry-log.contract.ts";
import type { MakeCheckpoint, Retention } from "../telemetry-log.ts";
import { openJetStreamLog } from "./jetstream-log.ts";
import type { NatsCluster } from "./nats-server.testing.ts";
import { describeWithNats, startNats } from "./nats-server.testing.ts";

let streams = 0;

async function streamPlace(cluster: NatsCluster, replicas: number): Promise<LogPlace> {
  const place = {
    servers: cluster.servers,
    stream: `log-${++streams}`,
    credentialsFile: "",
    caFile: "",
    certificateFile: "",
    keyFile: "",
  };
  const logger = createLogger("collector", "silent");
  const options = { place, replicas, name: "collector", random: Math.random, logger };
  return {
    open: (retention: Retention, checkpoint: MakeCheckpoint) =>
      openJetStreamLog({ ...retention, ...options, clock: systemClock }, checkpoint),
    program: `
      import { systemClock } from "@glassline/service/clock";
      import { openJetStreamLog } from "./jetstream/jetstream-log.ts";
      const log = await openJetStreamLog({ ...${JSON.stringify({ place, replicas, name: "killed" })},
        segmentMaxBytes: 20_000, maxBytes: 10_000_000, clock: systemClock, random: Math.random, logger: console }, () => ({}));`,
    async fail() {
      const all = cluster.servers.map((_, at) => at).slice(cluster.servers.length === 1 ? 0 : 1);
      await Promise.all(all.map((at) => cluster.kill(at)));
      return {
        async over() {
          for (const at of all) cluster.start(at);
          await cluster.ready();
        },
      };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

describeWithNats()("one server", () => {
  let cluster: NatsCluster;
  beforeAll(async () => void (cluster = await startNats(1)));
  afterAll(() => cluster[Symbol.asyncDispose]());
  telemetryLogContract("JetStream of one server", () => streamPlace(cluster, 1));
});

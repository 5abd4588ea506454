/** A collector whose log is in JetStream dies; one on another machine exports on from where it was. */
import { systemClock } from "@glassline/service/clock";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

import type { NatsCluster } from "../stores/jetstream/nats-server.testing.ts";
import { describeWithNats, startNats } from "../stores/jetstream/nats-server.testing.ts";
import { Collectors, kill, sendLogs } from "./collectors.testing.ts";
import { numbered } from "./exporter.testing.ts";

const WAIT = { timeout: 30_000, interval: 20 };
/** Positions are stored within a quarter of a second. */
const STORED_MS = 600;

describeWithNats()("exporters of a log in JetStream", () => {
  let cluster: NatsCluster;
  beforeAll(async () => void (cluster = await startNats(1)));
  afterAll(() => cluster[Symbol.asyncDispose]());

  test("go on, on another machine, behind what the target had, and leave out nothing", async () => {
    await using collectors = await Collectors.open();
    const target = await collectors.target();
    const { otlpGrpcPort } = target.addresses;
    const file = await collectors.exporterFile("otlp", [`endpoint: localhost:${otlpGrpcPort}`]);
    const words = [`--config=${file}`, `--log-nats=${cluster.servers[0]}`, "--log-nats-replicas=1"];
    const [first, { otlpHttpPort }] = await collectors.spawn("one-machine", words);
    await sendLogs(otlpHttpPort, numbered(1, 50));
    await vi.waitFor(
      async () =>
        expect(Object.values(await target.values("log_records_stored_total"))[0]).toBe(50),
      WAIT,
    );
    await systemClock.sleep(STORED_MS);
    await target[Symbol.asyncDispose]();
    await sendLogs(otlpHttpPort, numbered(51, 80));
    await kill(first);

    const again = await collectors.target(target.addresses);
    const [, addresses] = await collectors.spawn("another-machine", words);
    await sendLogs(addresses.otlpHttpPort, numbered(81, 100));
    await vi.waitFor(
      async () => expect(Object.values(await again.values("log_records_stored_total"))[0]).toBe(50),
      WAIT,
    );
    await again[Symbol.asyncDispose]();
    expect(await collectors.storedTexts("target")).toEqual(numbered(1, 100));
  });
});

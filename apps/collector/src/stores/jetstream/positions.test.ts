/** Positions of exporters in JetStream, on a real server. */
import { afterAll, beforeAll, expect, test } from "vitest";

import type { JetStream } from "./connection.ts";
import { connectJetStream } from "./connection.ts";
import type { NatsCluster } from "./nats-server.testing.ts";
import { describeWithNats, startNats } from "./nats-server.testing.ts";
import { JetStreamPositions } from "./positions.ts";

const NAME = "otlp/central.eu *";
const at = (index: number) => ({ metrics: index, traces: index + 1, logs: index + 2 });

describeWithNats()("positions in JetStream", () => {
  let cluster: NatsCluster;
  let jetStream: JetStream;
  beforeAll(async () => {
    cluster = await startNats(1);
    const noFiles = { credentialsFile: "", caFile: "", certificateFile: "", keyFile: "" };
    const place = { servers: cluster.servers, stream: "log", ...noFiles };
    jetStream = await connectJetStream(place, "test");
  });
  afterAll(async () => {
    await jetStream[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  test("are found by the next collector, the last ones of each exporter", async () => {
    const first = new JetStreamPositions(jetStream, "found", 1, "a");
    expect(await first.read(NAME)).toBeUndefined();
    for (const index of [1, 2, 3]) await first.write(NAME, at(index));
    expect(await first.read("other")).toBeUndefined();
    await first.write("other", at(9));
    const second = new JetStreamPositions(jetStream, "found", 1, "b");
    expect(await second.read(NAME)).toEqual(at(3));
    await second.write(NAME, at(4));
    expect(await new JetStreamPositions(jetStream, "found", 1, "c").read(NAME)).toEqual(at(4));
    const { state } = await jetStream.manager.streams.info("found_positions");
    expect(state.messages).toBe(2);
  });

  test("are not set back by a collector from which another has taken over", async () => {
    const [old, next] = ["old", "next"].map(
      (writer) => new JetStreamPositions(jetStream, "taken", 1, writer),
    ) as [JetStreamPositions, JetStreamPositions];
    await old.read(NAME);
    await old.write(NAME, at(1));
    expect(await next.read(NAME)).toEqual(at(1));
    await next.write(NAME, at(7));
    await expect(old.write(NAME, at(2))).rejects.toThrow(
      "stream taken_positions: another collector writes there: next",
    );
    expect(await next.read(NAME)).toEqual(at(7));
  });

  test("go on when one was stored and its answer was lost", async () => {
    const [lost, kept] = [1, 2].map(() => new JetStreamPositions(jetStream, "lost", 1, "same")) as [
      JetStreamPositions,
      JetStreamPositions,
    ];
    await kept.read(NAME);
    await lost.read(NAME);
    await lost.write(NAME, at(1));
    await kept.write(NAME, at(2));
    expect(await lost.read(NAME)).toEqual(at(2));
  });

  test("with fewer replicas than are asked for are refused", async () => {
    await new JetStreamPositions(jetStream, "few", 1, "a").read(NAME);
    await expect(new JetStreamPositions(jetStream, "few", 3, "a").read(NAME)).rejects.toThrow(
      "stream few_positions has 1 replicas in file, expected 3 (--log-nats-replicas) in file",
    );
  });

  test("what is no position is named", async () => {
    const positions = new JetStreamPositions(jetStream, "bad", 1, "a");
    await positions.read("x");
    jetStream.nc.publish(`bad_positions.${Buffer.from("x").toString("base64url")}`, "[]");
    await jetStream.nc.flush();
    await expect(positions.read("x")).rejects.toThrow('got "[]", expected an exporter\'s position');
  });
});

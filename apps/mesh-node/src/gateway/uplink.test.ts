import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { StreamRequestSchema, StreamResponseSchema } from "@glassline/proto/otqmn";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test, vi } from "vitest";

import { meshMetrics } from "../metrics.ts";
import type { CarrierEvents } from "./carrier.ts";
import { Ring } from "./ring.ts";
import { Uplink } from "./uplink.ts";

const BUNDLES = 200;

test("a backlog that is in memory leaves room for everything else between two bundles", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-uplink-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const ring = stack.use(await Ring.open({ directory, maxBytes: 8_388_608 }));
  const bundle = { ...EMPTY_BUNDLE, cameras: [{ cameraId: "cam", attributes: {} }] };
  for (let seq = 1; seq <= BUNDLES; seq++)
    await ring.append({ bundle, hopContexts: [] }, new Map());

  let turns = 0;
  /** Of the event loop, until each bundle was sent. */
  const turnsBySent: number[] = [];
  const events = Promise.withResolvers<CarrierEvents>();
  const issue = await ephemeralPki();
  const uplink = stack.use(
    new Uplink({
      ring,
      identity: await issue({ role: "mesh-node", instance: "node-1" }),
      clock: systemClock,
      random: Math.random,
      logger: createLogger("mesh-node", "silent"),
      metrics: meshMetrics(createMetrics("mesh-node")),
      directed: () => {},
      nearest: () => "node-2",
      openCarrier: (heard) => {
        events.resolve(heard);
        return {
          egress: "node-2",
          isReachable: () => true,
          send: (bytes) => {
            const { message } = fromBinary(StreamRequestSchema, bytes);
            if (message.case === "batch") turnsBySent.push(turns);
          },
          close: () => {},
        };
      },
    }),
  );
  uplink.routesChanged();
  const { message } = await events.promise;
  const value = { durableSeq: 0n, creditBytes: 4_194_304n };
  const welcome = create(StreamResponseSchema, { message: { case: "welcome", value } });

  let counting = setImmediate(function count() {
    turns++;
    counting = setImmediate(count);
  });
  stack.defer(() => clearImmediate(counting));
  message(toBinary(StreamResponseSchema, welcome));
  await vi.waitFor(() => expect(turnsBySent).toHaveLength(BUNDLES));
  expect(turnsBySent.at(-1)! - turnsBySent[0]!).toBeGreaterThan(BUNDLES / 2);
});

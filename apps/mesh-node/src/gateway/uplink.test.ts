import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Bundle } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import type { StreamRequest, WelcomeSchema } from "@glassline/proto/otqmn";
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

type Batch = Extract<StreamRequest["message"], { case: "batch" }>["value"];

/** An uplink with a ring that has these bundles, and its collector's end of the stream. */
async function attached(
  stack: AsyncDisposableStack,
  bundles: readonly Bundle[],
  sent: (batch: Batch) => void,
): Promise<(welcome: MessageInitShape<typeof WelcomeSchema>) => void> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-uplink-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const ring = stack.use(await Ring.open({ directory, maxBytes: 8_388_608 }));
  for (const bundle of bundles) await ring.append({ bundle, hopContexts: [] }, new Map());
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
            if (message.case === "batch") sent(message.value);
          },
          close: () => {},
        };
      },
    }),
  );
  uplink.routesChanged();
  const { message } = await events.promise;
  return (value) => {
    const welcome = create(StreamResponseSchema, { message: { case: "welcome", value } });
    message(toBinary(StreamResponseSchema, welcome));
  };
}

test("a backlog that is in memory leaves room for everything else between two bundles", async () => {
  await using stack = new AsyncDisposableStack();
  let turns = 0;
  /** Of the event loop, until each bundle was sent. */
  const turnsBySent: number[] = [];
  const bundle = { ...EMPTY_BUNDLE, cameras: [{ cameraId: "cam", attributes: {} }] };
  const welcome = await attached(
    stack,
    Array.from({ length: BUNDLES }, () => bundle),
    () => turnsBySent.push(turns),
  );

  let counting = setImmediate(function count() {
    turns++;
    counting = setImmediate(count);
  });
  stack.defer(() => clearImmediate(counting));
  welcome({ durableSeq: 0n, creditBytes: 4_194_304n });
  await vi.waitFor(() => expect(turnsBySent).toHaveLength(BUNDLES));
  expect(turnsBySent.at(-1)! - turnsBySent[0]!).toBeGreaterThan(BUNDLES / 2);
});

test("a collector's limits hold on its stream: what would be too many series begins anew", async () => {
  await using stack = new AsyncDisposableStack();
  const bundles = [1, 2, 3].map((nth): Bundle => {
    const series = { cameraId: `cam-${nth}`, metric: "m", unit: "1", kind: "gauge" as const };
    return {
      ...EMPTY_BUNDLE,
      series: [{ ...series, attributes: {} }],
      seriesIndex: Uint32Array.of(0),
      timeUnixNano: BigUint64Array.of(BigInt(nth)),
      value: Float64Array.of(nth),
    };
  });
  const batches: Batch[] = [];
  const welcome = await attached(stack, bundles, (batch) => batches.push(batch));
  welcome({ durableSeq: 0n, creditBytes: 4_194_304n, limits: { batchMaxSeries: 2 } });
  await vi.waitFor(() => expect(batches).toHaveLength(3));
  expect(batches.map(({ keyBatch }) => keyBatch)).toEqual([true, false, true]);
});

/** The query API: memory for what is recent, the log for what is older. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type { GetStatusResponseSchema, QueryService } from "@glassline/proto/query";
import type { Implementation } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import { totalOf, valuesByLabel } from "@glassline/service/metrics";

import type { BlockStore } from "./blocks/block-store.ts";
import { getLatest, listCameras } from "./camera-query.ts";
import { summarise } from "./core/traces.ts";
import { aggregateFleet } from "./fleet-query.ts";
import { listGaps } from "./gap-query.ts";
import type { CollectorMetrics } from "./metrics.ts";
import type { Stores } from "./pipeline.ts";
import { queryRange } from "./range-query.ts";

const TRACES_DEFAULT = 100;
const TRACES_MAX = 1_000;
/** Characters of a text that is no trace's id. */
const TRACE_ID_SHOWN = 64;

export interface QueryDeps extends Stores {
  clock: Clock;
  metrics: CollectorMetrics;
  blocks: BlockStore;
  startedUnixNano: bigint;
  logMaxBytes: number;
  /** A camera that has been silent for so long is not listed. */
  forgetAfterMs: number;
  /** How long what comes is not stored. */
  notStoredMs: () => number;
}

/** How many traces are listed when so many are asked for; 0: any. */
export const tracesMax = (limit: number) => Math.min(limit || TRACES_DEFAULT, TRACES_MAX);

export function createQuery(deps: QueryDeps): Implementation<typeof QueryService> {
  const { traces, clock } = deps;
  return {
    listCameras: async (request) => listCameras(deps, request),
    getLatest: async (request) => getLatest(deps, request),
    queryRange: (request, { signal }) => queryRange(deps, request, signal),
    aggregateFleet: (request, { signal }) => aggregateFleet(deps, request, signal),
    listGaps: (request, { signal }) => listGaps(deps, request, signal),
    listTraces: async ({ limit, cameraId }) => ({
      traces: traces.summaries(tracesMax(limit), cameraId, clock.nowMs()),
    }),
    getTrace: async (request) => {
      const traceId = traceIdOf(request.traceId);
      const hops = traces.hops(traceId);
      if (!hops)
        throw new RpcError(
          "not_found",
          `trace ${JSON.stringify(traceId)}: not among the recent ones`,
        );
      return { summary: summarise({ traceId, hops }), hops };
    },
    getStatus: () => status(deps),
  };
}

/** As OTLP writes it in JSON. Throws RpcError. */
function traceIdOf(text: string): string {
  if (/^[0-9a-f]{32}$/i.test(text)) return text.toLowerCase();
  const got = JSON.stringify(text.slice(0, TRACE_ID_SHOWN));
  throw new RpcError("invalid_argument", `trace_id: got ${got}, expected 32 hexadecimal digits`);
}

async function status({
  log,
  fleet,
  producers,
  metrics,
  startedUnixNano,
  logMaxBytes,
  notStoredMs,
}: QueryDeps): Promise<MessageInitShape<typeof GetStatusResponseSchema>> {
  return {
    durability: log.durability,
    startedUnixNano,
    logBytes: BigInt(log.bytes),
    logMaxBytes: BigInt(logMaxBytes),
    logSegments: log.segments.length,
    pointsStored: await totalOf(metrics.points),
    batchesStored: await totalOf(metrics.batches),
    logRecordsStored: await totalOf(metrics.logRecords),
    spansStored: await totalOf(metrics.spans),
    replays: await totalOf(metrics.replays),
    dropped: await valuesByLabel(metrics.dropped, "reason"),
    producers: producers.all.map(({ producer, incarnation, durableSeq, connected }) => ({
      producer,
      incarnation: Buffer.from(incarnation).toString("hex"),
      durableSeq: BigInt(durableSeq),
      connected,
    })),
    cameras: fleet.camerasHere.length,
    series: fleet.table.seriesCount,
    startFindings: [...log.findings],
    notStoredMs: BigInt(Math.round(notStoredMs())),
  };
}

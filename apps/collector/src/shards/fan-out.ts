/** Questions to all shards, and their answers as one. A shard that is not there fails the question: a part would look like the whole. */
import { RpcError } from "@glassline/proto/errors";
import type { ControlService } from "@glassline/proto/control";
import type { QueryService } from "@glassline/proto/query";
import type { CallOptions, Client, Implementation } from "@glassline/proto/rpc";

import {
  mergeAggregates,
  mergeCameras,
  mergeLatest,
  mergeRanges,
  mergeStatus,
  mergeTrace,
  mergeTraces,
} from "../core/merge-answers.ts";
import { mergeGaps } from "../core/merge-gaps.ts";
import { tracesMax } from "../query.ts";
import { pointsMax } from "../range-query.ts";
import type { Restart } from "../restart.ts";
import type { PrivateClients } from "./private-port.ts";

type Query = Client<typeof QueryService>;

/** @param shards those to ask; throws RpcError when one is away. */
export function createFanOutQuery(
  shards: () => readonly Query[],
): Implementation<typeof QueryService> {
  /** What is found at some shard. */
  const ask = async <R>(
    question: (shard: Query, options: CallOptions) => Promise<R>,
    { signal }: { signal: AbortSignal },
  ): Promise<R[]> =>
    found(await Promise.allSettled(shards().map((one) => question(one, { signal }))));
  return {
    listCameras: async (request, context) => {
      const answers = await ask((shard, options) => shard.listCameras(request, options), context);
      return { cameras: mergeCameras(answers), nowUnixNano: answers[0]!.nowUnixNano };
    },
    getLatest: async (request, context) =>
      mergeLatest(await ask((shard, options) => shard.getLatest(request, options), context)),
    queryRange: async (request, context) => {
      const answers = await ask((shard, options) => shard.queryRange(request, options), context);
      const series = mergeRanges(answers, pointsMax(request.maxPoints));
      return { series, nowUnixNano: answers[0]!.nowUnixNano };
    },
    aggregateFleet: async (request, context) =>
      mergeAggregates(
        await ask((shard, options) => shard.aggregateFleet(request, options), context),
      ),
    listGaps: async (request, context) =>
      mergeGaps(await ask((shard, options) => shard.listGaps(request, options), context), {
        from: request.fromUnixNano,
        to: request.toUnixNano,
      }),
    listTraces: async (request, context) => {
      const answers = await ask((shard, options) => shard.listTraces(request, options), context);
      return { traces: mergeTraces(answers, tracesMax(request.limit)) };
    },
    getTrace: async (request, context) =>
      mergeTrace(
        request.traceId,
        await ask((shard, options) => shard.getTrace(request, options), context),
      ),
    getStatus: async (request, context) =>
      mergeStatus(await ask((shard, options) => shard.getStatus(request, options), context)),
  };
}

/** A directive goes to the shard that has heard the camera last; all of them start anew together. */
export function createFanOutControl(
  shards: () => readonly PrivateClients[],
  restart: Restart,
): Implementation<typeof ControlService> {
  return {
    restart,
    direct: async (request, { signal }) => {
      const { cameraId } = request;
      const heard = await Promise.allSettled(
        shards().map(async ({ query, control }) => {
          const { camera } = await query.getLatest({ cameraId }, { signal });
          return { control, at: camera!.lastReceivedUnixNano };
        }),
      );
      const last = found(heard).reduce((a, b) => (b.at > a.at ? b : a));
      return last.control.direct(request, { signal });
    },
  };
}

/** The answers of those that know; fails when one fails, or none knows. */
function found<R>(answers: readonly PromiseSettledResult<R>[]): R[] {
  const errors = answers.flatMap((one) =>
    one.status === "rejected" ? [one.reason as unknown] : [],
  );
  const fatal = errors.find((error) => !(error instanceof RpcError && error.code === "not_found"));
  const values = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (fatal !== undefined || values.length === 0) throw fatal ?? errors[0];
  return values;
}

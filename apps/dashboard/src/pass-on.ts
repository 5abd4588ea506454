/** Questions that the page asks others: passed on over gRPC, with a time limit, and with who may change something. */
import type { DescService } from "@bufbuild/protobuf";
import type { Endpoint } from "@glassline/config";
import { RpcError, toRpcError } from "@glassline/proto/errors";
import type { JsonContext, UnaryMethods } from "@glassline/proto/json";
import { OpsBotService } from "@glassline/proto/opsbot";
import { QueryService } from "@glassline/proto/query";
import type { CallOptions, Client } from "@glassline/proto/rpc";
import type { Identity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { hasToken } from "@glassline/service/token";

import type { DashboardConfig } from "./config.ts";

const TIMEOUT_MS = 10_000;
/** Longer than OpsBot tries to do what it was asked for. */
const CHAT_TIMEOUT_MS = 25_000;

export interface PassedOn<S extends DescService> extends Disposable {
  methods: UnaryMethods<S>;
}

export function passQueries(
  collector: Endpoint,
  identity: Identity,
): PassedOn<typeof QueryService> {
  const client = peerClient(QueryService, collector, "collector", identity);
  const told = <T>(answer: Promise<T>) => inWords(answer, "the collector");
  return {
    methods: {
      listCameras: (request, context) => told(client.listCameras(request, limited(context))),
      getLatest: (request, context) => told(client.getLatest(request, limited(context))),
      queryRange: (request, context) => told(client.queryRange(request, limited(context))),
      aggregateFleet: (request, context) => told(client.aggregateFleet(request, limited(context))),
      listGaps: (request, context) => told(client.listGaps(request, limited(context))),
      listTraces: (request, context) => told(client.listTraces(request, limited(context))),
      getTrace: (request, context) => told(client.getTrace(request, limited(context))),
      getStatus: (request, context) => told(client.getStatus(request, limited(context))),
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** Whether somebody may change something is decided here, by the session token, whatever the page says. */
export function passOpsBot(
  { opsbot, sessionToken }: DashboardConfig,
  identity: Identity,
): PassedOn<typeof OpsBotService> {
  const endpoint = opsbot[0];
  const client = endpoint && peerClient(OpsBotService, endpoint, "opsbot", identity);
  const told = <T>(ask: (to: Client<typeof OpsBotService>) => Promise<T>) =>
    client
      ? inWords(ask(client), "OpsBot")
      : Promise.reject(new RpcError("unimplemented", "this dashboard was told of no OpsBot"));
  const changing = <T>(
    { authorization, signal }: JsonContext,
    ask: (to: Client<typeof OpsBotService>, options: CallOptions) => Promise<T>,
  ) =>
    hasToken(authorization, sessionToken)
      ? told((to) => ask(to, { signal, timeoutMs: CHAT_TIMEOUT_MS }))
      : Promise.reject(new RpcError("permission_denied", "this session may not change anything"));
  return {
    methods: {
      getStatus: (request, context) => told((to) => to.getStatus(request, limited(context))),
      listIncidents: (request, context) =>
        told((to) => to.listIncidents(request, limited(context))),
      getIncident: (request, context) => told((to) => to.getIncident(request, limited(context))),
      chat: ({ text }, context) => {
        const mayChange = hasToken(context.authorization, sessionToken);
        return told((to) =>
          to.chat({ text, mayChange }, { signal: context.signal, timeoutMs: CHAT_TIMEOUT_MS }),
        );
      },
      getInventory: (request, context) => told((to) => to.getInventory(request, limited(context))),
      listAudit: (request, context) => told((to) => to.listAudit(request, limited(context))),
      listDeployments: (request, context) =>
        told((to) => to.listDeployments(request, limited(context))),
      getDeployment: (request, context) =>
        told((to) => to.getDeployment(request, limited(context))),
      plan: (request, context) => changing(context, (to, options) => to.plan(request, options)),
      apply: (request, context) => changing(context, (to, options) => to.apply(request, options)),
      stopEverything: (request, context) =>
        changing(context, (to, options) => to.stopEverything(request, options)),
    },
    [Symbol.dispose]: () => client?.[Symbol.dispose](),
  };
}

function limited({ signal }: JsonContext) {
  return { signal, timeoutMs: TIMEOUT_MS };
}

/** What the transport says of a peer that is away is of no use to a reader. */
async function inWords<T>(answer: Promise<T>, who: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { code, message } = toRpcError(error);
    if (code === "unavailable" && /connect/i.test(message))
      throw new RpcError("unavailable", `${who} does not answer`, { cause: error });
    throw error;
  }
}

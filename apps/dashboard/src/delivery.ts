/** Edges and channels, asked when somebody looks. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  EdgeSchema,
  ListChannelsResponseSchema,
  ListEdgesResponseSchema,
} from "@glassline/proto/dashboard";
import { EdgeCacheService } from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";
import { NodeAgentService } from "@glassline/proto/node";
import type { EdgeState } from "@glassline/proto/node";
import { OriginService } from "@glassline/proto/origin";
import type { AppDeps } from "@glassline/service/app";
import { peerClient } from "@glassline/service/peer-client";

import type { DashboardConfig } from "./config.ts";
import { whyAway } from "./overview.ts";

const TIMEOUT_MS = 900;
const LIMITED = { timeoutMs: TIMEOUT_MS };

type Edge = MessageInitShape<typeof EdgeSchema>;

export interface Delivery extends Disposable {
  edges(): Promise<MessageInitShape<typeof ListEdgesResponseSchema>>;
  channels(): Promise<MessageInitShape<typeof ListChannelsResponseSchema>>;
}

export function createDelivery(
  config: DashboardConfig,
  { identity, clock }: Pick<AppDeps, "identity" | "clock">,
): Delivery {
  const stack = new DisposableStack();
  const edges = config.edge.map((endpoint) => ({
    name: endpoint.name,
    client: stack.use(peerClient(EdgeCacheService, endpoint, "edge-cache", identity)),
    reachable: undefined as boolean | undefined,
    sinceUnixNano: clock.nowUnixNano(),
  }));
  const agents = config.nodeAgent.map((endpoint) =>
    stack.use(peerClient(NodeAgentService, endpoint, "node-agent", identity)),
  );
  const origins = config.origin.map((endpoint) =>
    stack.use(peerClient(OriginService, endpoint, "origin", identity)),
  );

  const askEdge = async (edge: (typeof edges)[number]): Promise<Edge> => {
    const answer = await edge.client.getStatus({}, LIMITED).then(
      (status) => ({ status }),
      (error: unknown) => ({ error: whyAway(error, TIMEOUT_MS) }),
    );
    const reachable = "status" in answer;
    if (edge.reachable !== reachable) edge.sinceUnixNano = clock.nowUnixNano();
    edge.reachable = reachable;
    return { name: edge.name, reachable, sinceUnixNano: edge.sinceUnixNano, ...answer };
  };
  const processes = async (): Promise<EdgeState[]> => {
    const answers = await Promise.allSettled(agents.map((agent) => agent.getStatus({}, LIMITED)));
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value.edges : []));
  };

  return {
    edges: async () => {
      const [states, known] = await Promise.all([Promise.all(edges.map(askEdge)), processes()]);
      const withProcess = states.map((edge): Edge => {
        const process = known.find(({ spec }) => spec?.name === edge.name);
        return process ? { ...edge, process } : edge;
      });
      return { edges: withProcess, nowUnixNano: clock.nowUnixNano() };
    },
    channels: async () => {
      const [answers, states] = await Promise.all([
        Promise.allSettled(origins.map((origin) => origin.listChannels({}, LIMITED))),
        Promise.all(edges.map(askEdge)),
      ]);
      if (origins.length > 0 && answers.every(({ status }) => status === "rejected"))
        throw new RpcError("unavailable", "the origin does not answer");
      return {
        channels: answers.flatMap((answer) =>
          answer.status === "fulfilled" ? answer.value.channels : [],
        ),
        edgeUrls: states.flatMap(({ status }) => status?.publicUrl ?? []),
      };
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

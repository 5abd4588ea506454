/** Clients of everything that OpsBot watches and acts on. */
import type { DescService } from "@bufbuild/protobuf";
import type { Endpoint } from "@glassline/config";
import { ControlService } from "@glassline/proto/control";
import { EdgeCacheService } from "@glassline/proto/edge";
import { EnrolmentService } from "@glassline/proto/enrolment";
import { MeshAdminService } from "@glassline/proto/mesh";
import { NodeAgentService } from "@glassline/proto/node";
import type { Channel } from "@glassline/proto/origin";
import { OriginService } from "@glassline/proto/origin";
import { QueryService } from "@glassline/proto/query";
import type { Client } from "@glassline/proto/rpc";
import type { Identity, Role } from "@glassline/service/identity";
import type { Clock } from "@glassline/service/clock";
import { peerClient } from "@glassline/service/peer-client";

import type { OpsBotConfig } from "./config.ts";
import { quickAgent, quickEdge } from "./silent-peers.ts";

/** Longer than any healthy peer takes. */
export const LIMITED = { timeoutMs: 1_500 } as const;

export interface Network extends Disposable {
  agents: ReadonlyMap<string, Client<typeof NodeAgentService>>;
  edges: ReadonlyMap<string, Client<typeof EdgeCacheService>>;
  /** Edges beside those that are configured, from now on. @returns the names of those that came, and that went. */
  know(deployed: ReadonlyMap<string, Endpoint>): { came: string[]; went: string[] };
  enrolment: Client<typeof EnrolmentService> | undefined;
  collector: Client<typeof QueryService> | undefined;
  /** All replicas, to be started anew, and to be asked how they are. */
  collectors: ReadonlyMap<string, Client<typeof ControlService>>;
  replicas: ReadonlyMap<string, Client<typeof QueryService>>;
  meshNodes: ReadonlyMap<string, Client<typeof MeshAdminService>>;
  /** Name of the origin; undefined when there is none to watch. */
  origin: string | undefined;
  channels: ChannelList;
}

/** The origin's channels. */
export interface ChannelList {
  /** As the origin told them last. */
  known(): readonly Channel[];
  /** Asks the origin. Rejects when it does not answer. */
  refresh(): Promise<readonly Channel[]>;
  /** Whether it answered the last time. */
  reachable(): boolean;
}

export function connect(
  config: OpsBotConfig,
  { identity, clock }: { identity: Identity; clock: Clock },
): Network {
  const stack = new DisposableStack();
  const to = <S extends DescService>(service: S, endpoint: Endpoint, role: Role) =>
    stack.use(peerClient(service, endpoint, role, identity));
  const [enrolment] = config.enrolment.map((endpoint) =>
    to(EnrolmentService, endpoint, "enrolment"),
  );
  const [origin] = config.origin.map((endpoint) => to(OriginService, endpoint, "origin"));
  const named = <S extends DescService>(service: S, endpoints: readonly Endpoint[], role: Role) =>
    new Map(endpoints.map((endpoint) => [endpoint.name, to(service, endpoint, role)]));
  const replicas = named(QueryService, config.collector, "collector");
  const edges = new Map(
    [...named(EdgeCacheService, config.edge, "edge-cache")].map(([name, edge]) => [
      name,
      quickEdge(edge, clock),
    ]),
  );
  const know = edgesOf(edges, (endpoint) =>
    quickEdge(peerClient(EdgeCacheService, endpoint, "edge-cache", identity), clock),
  );
  stack.defer(() => void know(new Map()));
  const agents = named(NodeAgentService, config.nodeAgent, "node-agent");
  return {
    agents: new Map([...agents].map(([name, agent]) => [name, quickAgent(agent, clock)])),
    enrolment,
    collector: [...replicas.values()][0],
    replicas,
    collectors: named(ControlService, config.collector, "collector"),
    meshNodes: named(MeshAdminService, config.meshNode, "mesh-node"),
    edges,
    know,
    origin: config.origin[0]?.name,
    channels: channelList(async () =>
      origin ? (await origin.listChannels({}, LIMITED)).channels : [],
    ),
    [Symbol.dispose]: () => stack.dispose(),
  };
}

type EdgeClient = Client<typeof EdgeCacheService>;

/** Clients of deployed edges are made and closed as these come and go, and made anew when one has moved. */
function edgesOf(
  edges: Map<string, EdgeClient>,
  open: (endpoint: Endpoint) => EdgeClient,
): Network["know"] {
  const deployed = new Map<string, { client: EdgeClient; at: string }>();
  const atOf = ({ host, port }: Endpoint) => `${host}:${port}`;
  return (wanted) => {
    const went: string[] = [];
    for (const [name, { client, at }] of deployed) {
      const endpoint = wanted.get(name);
      if (endpoint && atOf(endpoint) === at) continue;
      client[Symbol.dispose]();
      deployed.delete(name);
      edges.delete(name);
      if (!endpoint) went.push(name);
    }
    const came: string[] = [];
    for (const [name, endpoint] of wanted) {
      if (edges.has(name)) continue;
      const client = open(endpoint);
      deployed.set(name, { client, at: atOf(endpoint) });
      edges.set(name, client);
      came.push(name);
    }
    return { came, went };
  };
}

function channelList(ask: () => Promise<Channel[]>): ChannelList {
  let known: readonly Channel[] = [];
  let reachable = true;
  return {
    known: () => known,
    reachable: () => reachable,
    refresh: async () => {
      try {
        known = await ask();
        reachable = true;
        return known;
      } catch (error) {
        reachable = false;
        throw error;
      }
    },
  };
}

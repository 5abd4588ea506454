/** Which services answer, and since when. Asked when somebody looks, at most every so often. */
import type { DescService, MessageInitShape } from "@bufbuild/protobuf";
import type { Endpoint } from "@glassline/config";
import type { GetOverviewResponseSchema, ServiceStateSchema } from "@glassline/proto/dashboard";
import { EdgeCacheService } from "@glassline/proto/edge";
import { EnrolmentService } from "@glassline/proto/enrolment";
import { toRpcError } from "@glassline/proto/errors";
import { KmeService } from "@glassline/proto/kme";
import type { GetStatusResponse } from "@glassline/proto/mesh";
import { MeshAdminService } from "@glassline/proto/mesh";
import { NodeAgentService } from "@glassline/proto/node";
import { OpsBotService } from "@glassline/proto/opsbot";
import { OriginService } from "@glassline/proto/origin";
import { QueryService } from "@glassline/proto/query";
import type { Client } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Identity, Role } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";

import type { DashboardConfig } from "./config.ts";

const FRESH_MS = 500;
const PROBE_TIMEOUT_MS = 900;
const LIMITED = { timeoutMs: PROBE_TIMEOUT_MS };

type Overview = MessageInitShape<typeof GetOverviewResponseSchema>;

interface Probe extends Disposable {
  name: string;
  kind: string;
  ask(): Promise<GetStatusResponse | undefined>;
}

interface Reachability {
  reachable: boolean;
  sinceUnixNano: bigint;
}

export interface OverviewSource extends Disposable {
  get(): Promise<Overview>;
}

export function createOverview(
  config: DashboardConfig,
  identity: Identity,
  clock: Clock,
): OverviewSource {
  const probes = [
    ...config.collector.map((endpoint) =>
      grpcProbe(QueryService, endpoint, "collector", identity, (to) => to.getStatus({}, LIMITED)),
    ),
    ...config.meshNode.map((endpoint) =>
      grpcProbe(MeshAdminService, endpoint, "mesh-node", identity, (to) =>
        to.getStatus({}, LIMITED),
      ),
    ),
    ...config.kme.map((endpoint) =>
      grpcProbe(KmeService, endpoint, "kme", identity, (to) => to.getStatus({}, LIMITED)),
    ),
    ...config.cameraAgent.map(cameraAgentProbe),
    ...config.origin.map((endpoint) =>
      grpcProbe(OriginService, endpoint, "origin", identity, (to) => to.listChannels({}, LIMITED)),
    ),
    ...config.edge.map((endpoint) =>
      grpcProbe(EdgeCacheService, endpoint, "edge-cache", identity, (to) =>
        to.getStatus({}, LIMITED),
      ),
    ),
    ...config.nodeAgent.map((endpoint) =>
      grpcProbe(NodeAgentService, endpoint, "node-agent", identity, (to) =>
        to.getStatus({}, LIMITED),
      ),
    ),
    ...config.opsbot.map((endpoint) =>
      grpcProbe(OpsBotService, endpoint, "opsbot", identity, (to) => to.getStatus({}, LIMITED)),
    ),
    ...config.enrolment.map((endpoint) =>
      grpcProbe(EnrolmentService, endpoint, "enrolment", identity, (to) =>
        to.getStatus({}, LIMITED),
      ),
    ),
  ];
  const known = new Map<string, Reachability>();
  let latest: Promise<Overview> | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  return {
    get() {
      if (!latest || clock.monotonicMs() - askedMs > FRESH_MS) {
        askedMs = clock.monotonicMs();
        latest = askAll(probes, known, clock);
      }
      return latest;
    },
    [Symbol.dispose]: () => probes.forEach((probe) => probe[Symbol.dispose]()),
  };
}

async function askAll(
  probes: readonly Probe[],
  known: Map<string, Reachability>,
  clock: Clock,
): Promise<Overview> {
  const answers = await Promise.allSettled(probes.map((probe) => probe.ask()));
  const nowUnixNano = clock.nowUnixNano();
  const services = answers.map((answer, at): MessageInitShape<typeof ServiceStateSchema> => {
    const { name, kind } = probes[at]!;
    const reachable = answer.status === "fulfilled";
    const before = known.get(name);
    const state =
      before?.reachable === reachable ? before : { reachable, sinceUnixNano: nowUnixNano };
    known.set(name, state);
    return {
      name,
      kind,
      ...state,
      error: answer.status === "rejected" ? whyAway(answer.reason) : "",
    };
  });
  const nodes = answers.flatMap((answer) =>
    answer.status === "fulfilled" && answer.value ? [answer.value] : [],
  );
  return { services, nodes, nowUnixNano };
}

/** In words: what the transport says is of no use to a reader. */
export function whyAway(reason: unknown, timeoutMs = PROBE_TIMEOUT_MS): string {
  const { code, message } = toRpcError(reason);
  if (code === "deadline_exceeded") return `no answer within ${timeoutMs} ms`;
  const refused =
    /ECONNREFUSED/.test(message) || /ECONNREFUSED/.test(messageOf((reason as Error).cause));
  return refused || message === "fetch failed" ? "nothing listens at its address" : message;
}

/** A probe of a process with this role, by a question that costs it little. */
function grpcProbe<S extends DescService>(
  service: S,
  endpoint: Endpoint,
  role: Role,
  identity: Identity,
  ask: (client: Client<S>) => Promise<GetStatusResponse | object>,
): Probe {
  const client = peerClient(service, endpoint, role, identity);
  return {
    name: endpoint.name,
    kind: role,
    ask: async () => {
      const answer = await ask(client);
      return role === "mesh-node" ? (answer as GetStatusResponse) : undefined;
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

function cameraAgentProbe({ name, host, port }: Endpoint): Probe {
  return {
    name,
    kind: "camera",
    ask: async () => {
      const response = await fetch(`http://${host}:${port}/livez`, {
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      return undefined;
    },
    [Symbol.dispose]: () => {},
  };
}

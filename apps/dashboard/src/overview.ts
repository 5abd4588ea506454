/** Which services answer, and since when. Asked when somebody looks, at most every so often. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Endpoint } from "@glassline/config";
import type { GetOverviewResponseSchema, ServiceStateSchema } from "@glassline/proto/dashboard";
import { toRpcError } from "@glassline/proto/errors";
import type { GetStatusResponse } from "@glassline/proto/mesh";
import { MeshAdminService } from "@glassline/proto/mesh";
import { QueryService } from "@glassline/proto/query";
import { createClient } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import { RECONNECT_OPTIONS } from "@glassline/service/grpc";
import type { Identity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";

import type { DashboardConfig } from "./config.ts";

const FRESH_MS = 500;
const PROBE_TIMEOUT_MS = 900;
const CHANNEL_OPTIONS = { ...TLS_CHANNEL_OPTIONS, ...RECONNECT_OPTIONS };

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
    ...config.collector.map((endpoint) => collectorProbe(endpoint, identity)),
    ...config.meshNode.map((endpoint) => meshNodeProbe(endpoint, identity)),
    ...config.cameraAgent.map(cameraAgentProbe),
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
function whyAway(reason: unknown): string {
  const { code, message } = toRpcError(reason);
  if (code === "deadline_exceeded") return `no answer within ${PROBE_TIMEOUT_MS} ms`;
  const refused =
    /ECONNREFUSED/.test(message) || /ECONNREFUSED/.test(messageOf((reason as Error).cause));
  return refused || message === "fetch failed" ? "nothing listens at its address" : message;
}

function collectorProbe({ name, host, port }: Endpoint, identity: Identity): Probe {
  const client = createClient(
    QueryService,
    `${host}:${port}`,
    mutualTlsClient(identity, "collector", name),
    CHANNEL_OPTIONS,
  );
  return {
    name,
    kind: "collector",
    ask: async () => void (await client.getStatus({}, { timeoutMs: PROBE_TIMEOUT_MS })),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

function meshNodeProbe({ name, host, port }: Endpoint, identity: Identity): Probe {
  const client = createClient(
    MeshAdminService,
    `${host}:${port}`,
    mutualTlsClient(identity, "mesh-node", name),
    CHANNEL_OPTIONS,
  );
  return {
    name,
    kind: "mesh-node",
    ask: () => client.getStatus({}, { timeoutMs: PROBE_TIMEOUT_MS }),
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

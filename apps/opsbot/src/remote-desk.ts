/** The desk of an OpsBot that runs elsewhere, by gRPC. */
import { RpcError, toRpcError } from "@glassline/proto/errors";
import type {
  ApplyResponse,
  AuditLine,
  Check,
  Deployment,
  Entry,
  Incident,
  OpsBotService,
  Order as OrderMessage,
  PlanResponse,
} from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";

import { changeMessage, changeOf } from "./api-changes.ts";
import { deploymentOf } from "./api-deployments.ts";
import { ENTRIES, MS_NANO, ORDERS, PHASES, STATES, wordOf } from "./api-rows.ts";
import { FOREVER_MS } from "./core/guard.ts";
import type { Desk, Outcome, Plan, Refusal } from "./desk.ts";
import type { AuditRow } from "./stores/audit.ts";
import type { Observation } from "./observers/observer.ts";
import type { Order } from "./stores/guard-records.ts";
import type { EntryRow, IncidentRow } from "./stores/incidents.ts";

const LIMITED = { timeoutMs: 10_000 } as const;
/** Longer than OpsBot tries to do what it was asked for. */
const CHANGING = { timeoutMs: 30_000 } as const;

/**
 * A desk with what is seen at this moment. Who changes something is known to that OpsBot by the client's certificate, whatever is said
 * here. Rejects with RpcError, as do its methods.
 */
export async function remoteDesk(client: Client<typeof OpsBotService>): Promise<Desk> {
  const [status, inventory] = await Promise.all([
    client.getStatus({}, LIMITED),
    client.getInventory({}, LIMITED),
  ]);
  const observations = status.checks.map(observationOf);
  const orders = status.orders.map(orderOf);
  return {
    inventory: () => inventory,
    observations: () => observations,
    impediment: () => status.impediment,
    orders: async () => orders,
    incidents: async (limit, openOnly) =>
      (await client.listIncidents({ limit, openOnly }, LIMITED)).incidents.map((incident) => ({
        ...incidentOf(incident),
        summary: incident.summary,
      })),
    countOpen: async () => status.openIncidents,
    story: async (id) => {
      const told = await found(client.getIncident({ id: BigInt(id) }, LIMITED));
      if (!told?.incident) return undefined;
      return { incident: incidentOf(told.incident), entries: told.entries.map(entryOf) };
    },
    deployments: async () => (await allDeployments(client)).map(deploymentOf),
    deployment: async (channel) => {
      const told = await found(client.getDeployment({ channel }, LIMITED));
      return told?.deployment && deploymentOf(told.deployment);
    },
    audit: async (afterSeq, limit) =>
      (await client.listAudit({ afterSeq: BigInt(afterSeq), limit }, LIMITED)).lines.map(auditOf),
    plan: async (change) => planOf(await client.plan({ change: changeMessage(change) }, CHANGING)),
    apply: async (hash) => outcomeOf(await client.apply({ hash }, CHANGING)),
    stop: async () => void (await client.stopEverything({}, CHANGING)),
  };
}

async function allDeployments(client: Client<typeof OpsBotService>): Promise<Deployment[]> {
  const all: Deployment[] = [];
  for (;;) {
    const after = all.at(-1)?.channel ?? "";
    const { deployments, hasMore } = await client.listDeployments({ after }, LIMITED);
    all.push(...deployments);
    if (!hasMore || deployments.length === 0) return all;
  }
}

/** Undefined: it is not there. */
async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (toRpcError(error).code === "not_found") return undefined;
    throw error;
  }
}

function observationOf(message: Check): Observation {
  const { object, check, state, hard, attempt, maxAttempts, output, unit, suppressed } = message;
  return {
    object,
    check,
    state: wordOf(STATES, state),
    hard,
    attempt,
    maxAttempts,
    output,
    unit: unit === "" ? undefined : unit,
    suppressed: suppressed === "" ? undefined : suppressed,
    value: message.value,
    warning: message.warning,
    critical: message.critical,
    lastCheckedUnixNano: message.lastCheckedUnixNano,
    sinceUnixNano: message.sinceUnixNano,
  };
}

function orderOf({ kind, target, untilUnixNano, who }: OrderMessage): Order {
  const untilMs = untilUnixNano === 0n ? FOREVER_MS : Number(untilUnixNano / MS_NANO);
  return { kind: wordOf(ORDERS, kind), target, untilMs, who };
}

function incidentOf({ id, phase, ...message }: Incident): IncidentRow {
  const { object, check, title, actions, openedUnixNano, closedUnixNano } = message;
  const times = { openedUnixNano, closedUnixNano };
  return { id: Number(id), object, check, title, phase: wordOf(PHASES, phase), actions, ...times };
}

function entryOf({ timeUnixNano, kind, text, idempotencyKey }: Entry): EntryRow {
  return { timeUnixNano, kind: wordOf(ENTRIES, kind), text, idempotencyKey };
}

function auditOf({ seq, timeUnixNano, who, what, before, after, hash }: AuditLine): AuditRow {
  return { seq: Number(seq), timeUnixNano, who, what, before, after, hash };
}

function planOf({ result }: PlanResponse): Plan | Refusal {
  if (result.case === undefined) throw empty("PlanResponse");
  if (result.case === "refusal") return refusalOf(result.value);
  const { hash, change, says, untilUnixNano } = result.value;
  return { hash, change: changeOf(change), says, untilMs: Number(untilUnixNano / MS_NANO) };
}

function outcomeOf({ result }: ApplyResponse): Outcome | Refusal {
  if (result.case === undefined) throw empty("ApplyResponse");
  if (result.case === "refusal") return refusalOf(result.value);
  const { ok, says, incidentId } = result.value;
  return { ok, says, incidentId: incidentId === 0n ? undefined : Number(incidentId) };
}

const refusalOf = ({ refused, because }: Refusal): Refusal => ({ refused, because });

function empty(message: string): RpcError {
  return new RpcError("internal", `${message}: got no result, expected one`);
}

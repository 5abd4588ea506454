/** OpsBotService over the desk: what gRPC and JSON over HTTP are answered. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type {
  ApplyResponseSchema,
  OpsBotService,
  PlanResponseSchema,
} from "@glassline/proto/opsbot";
import type { CallContext, Implementation } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";

import { deploymentMessage } from "./api-deployments.ts";
import { changeMessage, changeOf } from "./api-changes.ts";
import {
  MS_NANO,
  auditMessage,
  checkMessage,
  entryMessage,
  incidentMessage,
  orderMessage,
} from "./api-rows.ts";
import { Chat } from "./chat.ts";
import { STOP_ROLE, mayAs } from "./core/access.ts";
import type { Caller, DeploymentView, Desk, Inventory, Outcome, Plan, Refusal } from "./desk.ts";

const SHOWN = 50;
const SHOWN_MAX = 1_000;

export interface ApiDeps {
  /** Of this OpsBot. */
  name: string;
  desk: Desk;
  /** The text of a described channel. Rejects when it cannot be read. */
  describe(name: string): Promise<string>;
  clock: Pick<Clock, "nowMs" | "nowUnixNano">;
  /** Of this life. */
  fencingToken(): bigint;
  /**
   * Who asks for changes, or in the chat. Throws RpcError.
   * @param mayChange what a dashboard says of the session that asks.
   */
  callerOf(context: CallContext, mayChange?: boolean): Caller;
}

export function serviceOf(deps: ApiDeps): Implementation<typeof OpsBotService> {
  const { desk, clock, callerOf } = deps;
  const chat = new Chat(desk, clock, deps.describe);
  return {
    ...readsOf(deps),
    chat: async ({ text, mayChange }, context) => {
      const caller = callerOf(context, mayChange);
      return chat.answer(text, mayChange ? caller : { ...caller, role: "viewer" });
    },
    plan: async ({ change }, context) =>
      planResponse(await desk.plan(changeOf(change), callerOf(context))),
    apply: async ({ hash }, context) => applyResponse(await desk.apply(hash, callerOf(context))),
    stopEverything: async (_request, context) => {
      const caller = callerOf(context);
      if (!mayAs(caller.role, STOP_ROLE))
        throw new RpcError("permission_denied", `role: got ${caller.role}, expected ${STOP_ROLE}`);
      await desk.stop(caller);
      return {};
    },
  };
}

type Reads =
  | "listDeployments"
  | "getDeployment"
  | "getStatus"
  | "listIncidents"
  | "getIncident"
  | "getInventory"
  | "listAudit";

function readsOf({
  name,
  desk,
  clock,
  fencingToken,
}: ApiDeps): Pick<Implementation<typeof OpsBotService>, Reads> {
  return {
    listDeployments: async ({ after, limit }) => {
      const all = (await desk.deployments()).toSorted(byChannel);
      const rest = all.filter(({ channel }) => channel > after);
      const page = rest.slice(0, Math.min(limit || SHOWN_MAX, SHOWN_MAX));
      return {
        deployments: page.map((view) => deploymentMessage({ ...view, description: "" })),
        hasMore: page.length < rest.length,
      };
    },
    getDeployment: async ({ channel }) => {
      const view = await desk.deployment(channel);
      if (view) return { deployment: deploymentMessage(view) };
      throw new RpcError("not_found", `no channel ${JSON.stringify(channel)} was deployed`);
    },
    getStatus: async () => {
      const [openIncidents, orders] = await Promise.all([desk.countOpen(), desk.orders()]);
      return {
        opsbot: name,
        nowUnixNano: clock.nowUnixNano(),
        fencingToken: fencingToken(),
        checks: desk.observations().map(checkMessage),
        openIncidents,
        impediment: desk.impediment(),
        orders: orders.map(orderMessage),
      };
    },
    listIncidents: async ({ limit, openOnly }) => {
      const rows = await desk.incidents(atMost(limit), openOnly);
      return { incidents: rows.map((row) => incidentMessage(row, row.summary)) };
    },
    getIncident: async ({ id }) => {
      const story = id <= Number.MAX_SAFE_INTEGER ? await desk.story(Number(id)) : undefined;
      if (!story) throw new RpcError("not_found", `there is no incident ${id}`);
      const { incident, entries } = story;
      const summary = entries.at(-1)?.text ?? "";
      return { incident: incidentMessage(incident, summary), entries: entries.map(entryMessage) };
    },
    getInventory: async () => {
      const known = Object.entries(desk.inventory()) as [keyof Inventory, readonly string[]][];
      return Object.fromEntries(known.map(([kind, names]) => [kind, [...names]]));
    },
    listAudit: async ({ afterSeq, limit }) => {
      if (afterSeq > Number.MAX_SAFE_INTEGER) return { lines: [] };
      return { lines: (await desk.audit(Number(afterSeq), atMost(limit))).map(auditMessage) };
    },
  };
}

/** A database has an order of its own. */
const byChannel = (a: DeploymentView, b: DeploymentView) => (a.channel < b.channel ? -1 : 1);

/** 0: as many as are usual. */
const atMost = (limit: number) => Math.min(limit || SHOWN, SHOWN_MAX);

function planResponse(plan: Plan | Refusal): MessageInitShape<typeof PlanResponseSchema> {
  if ("refused" in plan) return { result: { case: "refusal", value: plan } };
  const { change, untilMs, ...rest } = plan;
  const untilUnixNano = BigInt(Math.round(untilMs)) * MS_NANO;
  const value = { ...rest, change: changeMessage(change), untilUnixNano };
  return { result: { case: "plan", value } };
}

function applyResponse(done: Outcome | Refusal): MessageInitShape<typeof ApplyResponseSchema> {
  if ("refused" in done) return { result: { case: "refusal", value: done } };
  const value = { ...done, incidentId: BigInt(done.incidentId ?? 0) };
  return { result: { case: "outcome", value } };
}

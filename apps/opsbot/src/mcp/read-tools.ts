/** Tools that only read. */
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod/v4";

import { newestAudit } from "../audit-tail.ts";
import type { Desk } from "../desk.ts";
import { data, failure } from "./answer.ts";
import { incidentSchema, nameSchema } from "./changes.ts";
import { addDeployments } from "./deployment-tools.ts";
import {
  auditView,
  checkView,
  entryView,
  incidentView,
  inventoryView,
  orderView,
  viewOfAudit,
  viewOfCheck,
  viewOfEntry,
  viewOfIncident,
  viewOfInventory,
  viewOfOrder,
} from "./views.ts";

const READS = { readOnlyHint: true, idempotentHint: true, openWorldHint: false } as const;
const CHECKS_MAX = 200;
const INCIDENTS_MAX = 100;
const ENTRIES_MAX = 200;
const AUDIT_MAX = 100;
/** How far back the newest incident about something is looked for. */
const INCIDENTS_SEARCHED = 200;

/** For each call. */
type OpenDesk = () => Promise<Desk>;

export function addReadTools(server: McpServer, openDesk: OpenDesk): void {
  addStatus(server, openDesk);
  addIncidents(server, openDesk);
  addExplanation(server, openDesk);
  addAudit(server, openDesk);
  addDeployments(server, openDesk);
}

function addStatus(server: McpServer, openDesk: OpenDesk): void {
  const config = {
    title: "Get status",
    description:
      "How things are: what is wrong, which incidents are open, what people have ordered, and the names of all that can be acted on. " +
      "With an object: all its checks.",
    inputSchema: z.strictObject({ object: nameSchema.optional() }),
    outputSchema: z.object({
      impediment: z.string().optional().describe("Why nothing can be done at present."),
      checks: z.array(checkView).describe("Those that are not ok; of an object, all."),
      checksLeftOut: z.int(),
      checksTotal: z.int(),
      orders: z.array(orderView),
      openIncidents: z.array(incidentView),
      inventory: inventoryView,
    }),
    annotations: READS,
  };
  server.registerTool("get_status", config, async ({ object }) => {
    const desk = await openDesk();
    const all = desk.observations();
    const checks = all.filter((each) =>
      object === undefined ? each.state !== "ok" : each.object === object,
    );
    const [open, orders] = await Promise.all([desk.incidents(INCIDENTS_MAX, true), desk.orders()]);
    const impediment = desk.impediment();
    return data({
      ...(impediment !== "" && { impediment }),
      checks: checks.slice(0, CHECKS_MAX).map(viewOfCheck),
      checksLeftOut: Math.max(0, checks.length - CHECKS_MAX),
      checksTotal: all.length,
      orders: orders.map(viewOfOrder),
      openIncidents: open.map(viewOfIncident),
      inventory: viewOfInventory(desk.inventory()),
    });
  });
}

function addIncidents(server: McpServer, openDesk: OpenDesk): void {
  const config = {
    title: "List incidents",
    description: "Incidents, newest first.",
    inputSchema: z.strictObject({
      openOnly: z.boolean().default(false),
      limit: z.int().min(1).max(INCIDENTS_MAX).default(20),
    }),
    outputSchema: z.object({ incidents: z.array(incidentView) }),
    annotations: READS,
  };
  server.registerTool("list_incidents", config, async ({ openOnly, limit }) => {
    const desk = await openDesk();
    return data({ incidents: (await desk.incidents(limit, openOnly)).map(viewOfIncident) });
  });
}

function addExplanation(server: McpServer, openDesk: OpenDesk): void {
  const config = {
    title: "Explain an incident",
    description:
      "The story of one incident: what was seen, decided, done and found afterwards, and how the object is now. " +
      "By its number, or the newest one about an object.",
    inputSchema: z.strictObject({
      incident: incidentSchema.optional(),
      object: nameSchema.optional(),
    }),
    outputSchema: z.object({
      incident: incidentView,
      story: z.array(entryView),
      entriesLeftOut: z.int().describe("Of the story's beginning."),
      checksNow: z.array(checkView),
    }),
    annotations: READS,
  };
  server.registerTool("explain_incident", config, async ({ incident, object }) => {
    if ((incident === undefined) === (object === undefined))
      return failure("got both or none of incident and object, expected one of them");
    const desk = await openDesk();
    const id = incident ?? (await newestAbout(object!, desk));
    const story = id === undefined ? undefined : await desk.story(id);
    if (!story)
      return failure(`there is no incident ${incident ?? "about that object"}: see list_incidents`);
    const now = desk.observations().filter((each) => each.object === story.incident.object);
    return data({
      incident: viewOfIncident(story.incident),
      story: story.entries.slice(-ENTRIES_MAX).map(viewOfEntry),
      entriesLeftOut: Math.max(0, story.entries.length - ENTRIES_MAX),
      checksNow: now.slice(0, CHECKS_MAX).map(viewOfCheck),
    });
  });
}

async function newestAbout(object: string, desk: Desk): Promise<number | undefined> {
  const incidents = await desk.incidents(INCIDENTS_SEARCHED, false);
  return incidents.find((each) => each.object === object)?.id;
}

function addAudit(server: McpServer, openDesk: OpenDesk): void {
  const config = {
    title: "Read the audit",
    description: "Who changed what, oldest first: the newest lines, or those behind a line.",
    inputSchema: z.strictObject({
      afterSeq: z.int().min(0).optional(),
      limit: z.int().min(1).max(AUDIT_MAX).default(20),
    }),
    outputSchema: z.object({ lines: z.array(auditView) }),
    annotations: READS,
  };
  server.registerTool("read_audit", config, async ({ afterSeq, limit }) => {
    const desk = await openDesk();
    const rows =
      afterSeq === undefined ? await newestAudit(desk, limit) : await desk.audit(afterSeq, limit);
    return data({ lines: rows.map(viewOfAudit) });
  });
}

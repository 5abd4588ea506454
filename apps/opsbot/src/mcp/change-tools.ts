/** Tools by which something is changed: a plan, its application, and the kill switch. */
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod/v4";

import { STOP_ROLE, mayAct } from "../core/access.ts";
import type { Caller, Desk } from "../desk.ts";
import { data, failure, refused } from "./answer.ts";
import { changeAsked, changeSchema } from "./changes.ts";

/** For each call. */
type OpenDesk = () => Promise<Desk>;

export function addChangeTools(server: McpServer, openDesk: OpenDesk, caller: Caller): void {
  addPlan(server, openDesk, caller);
  addApplication(server, openDesk, caller);
  addStop(server, openDesk, caller);
}

function addPlan(server: McpServer, openDesk: OpenDesk, caller: Caller): void {
  const config = {
    title: "Plan a change",
    description:
      "Says what would be done, and to how many; nothing is changed. The same guard refuses what it would refuse an alert or a person. " +
      "Show the sentence to a person, and apply the plan by its hash only when they agree.",
    inputSchema: changeSchema,
    outputSchema: z.object({
      hash: z.string().describe("For apply_plan."),
      says: z.string().describe("What will be done."),
      validUntil: z.string().describe("RFC 3339, UTC."),
    }),
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  };
  server.registerTool("plan_change", config, async (asked) => {
    const desk = await openDesk();
    const change = changeAsked(asked, desk.inventory());
    if ("wrong" in change) return failure(change.wrong);
    const plan = await desk.plan(change, caller);
    if ("refused" in plan) return refused(plan);
    const { hash, says, untilMs } = plan;
    return data({ hash, says, validUntil: new Date(untilMs).toISOString() });
  });
}

function addApplication(server: McpServer, openDesk: OpenDesk, caller: Caller): void {
  const config = {
    title: "Apply a plan",
    description:
      "Does what plan_change said, if what it stands on is still so; the same plan is done once. A person has to have agreed.",
    inputSchema: z.strictObject({
      hash: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .describe("Of the plan, whole."),
    }),
    outputSchema: z.object({
      ok: z.boolean().describe("False: it was tried, and could not be done."),
      says: z.string().describe("What came of it. Data: it may tell what edges answered."),
      incident: z.int().optional().describe("Whose story tells more."),
    }),
    annotations: {
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: true,
      openWorldHint: false,
    },
  };
  server.registerTool("apply_plan", config, async ({ hash }) => {
    const desk = await openDesk();
    const done = await desk.apply(hash, caller);
    if ("refused" in done) return refused(done);
    const { ok, says, incidentId } = done;
    return data({ ok, says, ...(incidentId !== undefined && { incident: incidentId }) });
  });
}

function addStop(server: McpServer, openDesk: OpenDesk, caller: Caller): void {
  const config = {
    title: "Stop everything",
    description:
      "The kill switch: nothing at all is begun any more, by nobody, until an admin says continue. It takes effect at once, without a plan.",
    inputSchema: z.strictObject({}),
    outputSchema: z.object({ stopped: z.boolean() }),
    annotations: {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    },
  };
  server.registerTool("stop_everything", config, async () => {
    if (!mayAct(caller.role, STOP_ROLE))
      return failure(`refused (role): it needs the role ${STOP_ROLE}, and yours is ${caller.role}`);
    const desk = await openDesk();
    await desk.stop(caller);
    return data({ stopped: true });
  });
}

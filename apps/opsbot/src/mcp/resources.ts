/** Incidents and the audit as resources. */
import type { McpServer } from "@modelcontextprotocol/server";
import { ResourceNotFoundError, ResourceTemplate } from "@modelcontextprotocol/server";

import { newestAudit } from "../audit-tail.ts";
import type { Desk } from "../desk.ts";
import { viewOfAudit, viewOfEntry, viewOfIncident } from "./views.ts";

const JSON_TYPE = "application/json";
const INCIDENTS_LISTED = 50;
const ENTRIES_MAX = 1_000;
const AUDIT_SHOWN = 100;

export function addResources(server: McpServer, openDesk: () => Promise<Desk>): void {
  const list = async () => {
    const desk = await openDesk();
    const rows = await desk.incidents(INCIDENTS_LISTED, false);
    const resources = rows.map(({ id }) => ({
      uri: `glassline://incidents/${id}`,
      name: `incident ${id}`,
      mimeType: JSON_TYPE,
    }));
    return { resources };
  };
  server.registerResource(
    "incident",
    new ResourceTemplate("glassline://incidents/{id}", { list }),
    { title: "Incident", description: "One incident with its story.", mimeType: JSON_TYPE },
    async (uri, { id }) => {
      const desk = await openDesk();
      const story = /^[1-9]\d{0,14}$/.test(String(id)) ? await desk.story(Number(id)) : undefined;
      if (!story) throw new ResourceNotFoundError(uri.href);
      const entries = story.entries.slice(-ENTRIES_MAX).map(viewOfEntry);
      return jsonOf(uri, { incident: viewOfIncident(story.incident), story: entries });
    },
  );
  server.registerResource(
    "audit",
    "glassline://audit",
    { title: "Audit", description: "Who changed what lately, oldest first.", mimeType: JSON_TYPE },
    async (uri) => {
      const rows = await newestAudit(await openDesk(), AUDIT_SHOWN);
      return jsonOf(uri, { lines: rows.map(viewOfAudit) });
    },
  );
}

function jsonOf(uri: URL, value: object) {
  return { contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(value) }] };
}

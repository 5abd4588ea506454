/** Answers of tools: data, or an error in words. */
import type { CallToolResult } from "@modelcontextprotocol/server";

import type { Refusal } from "../desk.ts";

/** The same as text, for clients that know no structured content. */
export function data(structuredContent: Record<string, unknown>): CallToolResult {
  return {
    content: [{ type: "text", text: JSON.stringify(structuredContent) }],
    structuredContent,
  };
}

export function failure(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

export function refused({ refused, because }: Refusal): CallToolResult {
  return failure(`refused (${because}): ${refused}`);
}

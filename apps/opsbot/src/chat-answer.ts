/** What every answer of the chat is made of: lines of plain text, and what could be said next. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ChatResponseSchema } from "@glassline/proto/opsbot";

export type Answer = Required<
  Pick<MessageInitShape<typeof ChatResponseSchema>, "text" | "ok" | "suggestions">
>;

/** So many lines of one kind are shown; a phone shows few. */
const LINES_MAX = 20;

export function good(text: string, suggestions: string[] = []): Answer {
  return { text, ok: true, suggestions };
}

export function bad(text: string, suggestions: string[] = []): Answer {
  return { text, ok: false, suggestions };
}

/** The first lines, and how many there are more. */
export function firstOf(lines: readonly string[], max = LINES_MAX): string[] {
  if (lines.length <= max) return [...lines];
  return [...lines.slice(0, max), `  and ${lines.length - max} more`];
}

/** The last lines, and how many there are before. */
export function lastOf(lines: readonly string[], max = 2 * LINES_MAX): string[] {
  if (lines.length <= max) return [...lines];
  return [`  ${lines.length - max} lines before`, ...lines.slice(-max)];
}

/** "12:00:00", UTC. */
export function timeText(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000n)).toISOString().slice(11, 19);
}

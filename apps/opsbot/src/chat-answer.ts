/** What every answer of the chat is made of. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ChatResponseSchema } from "@glassline/proto/opsbot";

/** So much of what was said is said back. */
const ECHO_CHARS = 60;
const SUGGESTIONS_MAX = 10;

export type Answer = MessageInitShape<typeof ChatResponseSchema>;

export function good(text: string, suggestions: string[] = []): Answer {
  return { text, ok: true, suggestions };
}

export function shortened(text: string): string {
  return text.length > ECHO_CHARS ? `${text.slice(0, ECHO_CHARS)}…` : text;
}

/** @param word of what was to be done with it. */
export function isNoEdge(edge: string, word: string, edges: readonly string[]): Answer {
  const some = edges.slice(0, SUGGESTIONS_MAX);
  return {
    text: `I know no edge called "${shortened(edge)}", only ${some.join(", ")}.`,
    ok: false,
    suggestions: some.map((known) => `${word} ${known}`),
  };
}

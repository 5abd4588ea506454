import { toRpcError } from "@glassline/proto/errors";
import { useEffect, useState } from "preact/hooks";

import { opsBot } from "../api/clients.ts";
import { isAway } from "../api/is-away.ts";

/** An action may take its time before OpsBot answers. */
const TIMEOUT_MS = 30_000;
const KEPT_MAX_MESSAGES = 200;
/** As the contract says. */
export const TEXT_MAX_CHARACTERS = 1_000;

export interface ChatMessage {
  id: number;
  /** "page": what went wrong on the way. */
  from: "you" | "opsbot" | "page";
  text: string;
  /** False: not understood, or refused. */
  ok: boolean;
}

/** The talk of this visit: kept while one looks at other pages, gone with the tab. */
interface Chat {
  messages: readonly ChatMessage[];
  /** What could be said next. */
  suggestions: readonly string[];
  isBusy: boolean;
}

let chat: Chat = { messages: [], suggestions: [], isBusy: false };
let lastId = 0;
const listeners = new Set<() => void>();

export function useChat(): Chat {
  const [, render] = useState(0);
  useEffect(() => {
    const listener = (): void => render((count) => count + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return chat;
}

/** What was said before, oldest first, each once. */
export function saidBefore({ messages }: Pick<Chat, "messages">): string[] {
  const texts = messages.filter(({ from }) => from === "you").map(({ text }) => text);
  return [...new Set(texts.toReversed())].toReversed();
}

/** Says something to OpsBot; its answer joins the messages. */
export async function say(text: string, mayChange: boolean): Promise<void> {
  if (chat.isBusy) return;
  change({ isBusy: true, suggestions: [], messages: added({ from: "you", text, ok: true }) });
  try {
    const answer = await opsBot.chat({ text, mayChange }, AbortSignal.timeout(TIMEOUT_MS));
    change({
      isBusy: false,
      suggestions: answer.suggestions,
      messages: added({ from: "opsbot", text: answer.text, ok: answer.ok }),
    });
  } catch (error) {
    change({
      isBusy: false,
      messages: added({ from: "page", text: failureText(error), ok: false }),
    });
  }
}

function failureText(error: unknown): string {
  if (error instanceof DOMException)
    return `OpsBot gave no answer within ${TIMEOUT_MS / 1_000} s. What was asked may still be done.`;
  const failure = toRpcError(error);
  return isAway(failure)
    ? `OpsBot does not answer: ${failure.message}`
    : `That did not work: ${failure.message}`;
}

function added(message: Omit<ChatMessage, "id">): ChatMessage[] {
  return [...chat.messages, { ...message, id: ++lastId }].slice(-KEPT_MAX_MESSAGES);
}

function change(changed: Partial<Chat>): void {
  chat = { ...chat, ...changed };
  for (const listener of listeners) listener();
}

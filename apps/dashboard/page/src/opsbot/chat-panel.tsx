import { useLayoutEffect, useRef } from "preact/hooks";

import { useSession } from "../api/use-session.ts";
import { ChatForm } from "./chat-form.tsx";
import { type ChatMessage, say, useChat } from "./chat-log.ts";
import { SessionNote } from "./session-note.tsx";

const QUICK = ["status", "why", "help"];
const SPEAKERS: Readonly<Record<ChatMessage["from"], string>> = {
  you: "You",
  opsbot: "OpsBot",
  page: "This page",
};

/** Talking with OpsBot. */
export function ChatPanel() {
  const chat = useChat();
  const session = useSession();
  const suggestions = chat.suggestions.filter((text) => !QUICK.includes(text));
  const send = (text: string): void => void say(text, session === "may-change");
  return (
    <section class="chat panel" aria-label="Chat with OpsBot" data-testid="chat">
      <header>
        <h2>Chat</h2>
        {session === "may-change" && <span class="tag is-quiet">may change things</span>}
      </header>
      <ChatMessages messages={chat.messages} isBusy={chat.isBusy} />
      {suggestions.length > 0 && (
        <ChatButtons
          label="What could be said next"
          testId="chat-suggestion"
          texts={suggestions}
          onChoose={send}
        />
      )}
      <ChatForm chat={chat} onSend={send} />
      <ChatButtons label="Often asked" texts={QUICK} onChoose={send} />
      <SessionNote session={session} />
    </section>
  );
}

function ChatMessages({ messages, isBusy }: { messages: readonly ChatMessage[]; isBusy: boolean }) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [messages, isBusy]);
  return (
    <div class="chat-messages" ref={list} role="log" aria-live="polite" tabIndex={0}>
      {messages.length === 0 && (
        <p class="chat-hint">
          Ask how things are, why something happened, or tell OpsBot what to do.
        </p>
      )}
      {messages.map(({ id, from, text, ok }) => (
        <div
          key={id}
          class={`chat-message is-${from} ${ok ? "" : "is-refused"}`}
          data-testid="chat-message"
          data-from={from}
        >
          <span class="visually-hidden">{SPEAKERS[from]}: </span>
          <pre>{text}</pre>
        </div>
      ))}
      {isBusy && <p class="chat-hint">OpsBot is thinking …</p>}
    </div>
  );
}

/** With this word something is done. */
function isAgreement(text: string): boolean {
  return /^yes\b/.test(text);
}

interface ChatButtonsProps {
  label: string;
  testId?: string;
  texts: readonly string[];
  onChoose(text: string): void;
}

function ChatButtons({ label, testId, texts, onChoose }: ChatButtonsProps) {
  return (
    <div class="chat-buttons" role="group" aria-label={label}>
      {texts.map((text) => (
        <button
          key={text}
          class={isAgreement(text) ? "is-agreement" : ""}
          type="button"
          data-testid={testId}
          onClick={() => onChoose(text)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

import { useState } from "preact/hooks";

import { saidBefore, TEXT_MAX_CHARACTERS, type useChat } from "./chat-log.ts";

interface ChatFormProps {
  chat: ReturnType<typeof useChat>;
  onSend(text: string): void;
}

/** One line to OpsBot: Enter sends, arrow up and down bring back what was said before. */
export function ChatForm({ chat, onSend }: ChatFormProps) {
  const [text, setText] = useState("");
  /** How far back in what was said before; 0: the line being written. */
  const [back, setBack] = useState(0);
  const said = saidBefore(chat);
  const recall = (steps: number): void => {
    const next = Math.min(Math.max(0, back + steps), said.length);
    setBack(next);
    setText(next === 0 ? "" : said.at(-next)!);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (steps === 0 || event.isComposing) return;
    event.preventDefault();
    recall(steps);
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const line = text.trim();
    if (line === "" || chat.isBusy) return;
    onSend(line);
    setText("");
    setBack(0);
  };
  return (
    <form class="chat-form" onSubmit={onSubmit}>
      <input
        data-testid="chat-input"
        type="text"
        placeholder="Say something to OpsBot …"
        aria-label="Say something to OpsBot"
        value={text}
        maxLength={TEXT_MAX_CHARACTERS}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        enterkeyhint="send"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" disabled={chat.isBusy || text.trim() === ""}>
        Send
      </button>
    </form>
  );
}

import { useState } from "preact/hooks";

import { keepSession, pastedToken } from "../api/session.ts";
import type { SessionState } from "../api/use-session.ts";

/** How to get the right to change things; nothing when the page has it, or does not know yet. */
export function SessionNote({ session }: { session: SessionState }) {
  if (session !== "none" && session !== "refused") return null;
  return (
    <div class="session-note" data-testid="session-note">
      <p>
        {session === "refused"
          ? "The token of this page is not accepted (any more), so it may only look. "
          : "This page may only look. "}
        To change things, open the link that <code>npm start</code> prints, or paste the token from{" "}
        <code>pki/session.token</code> in its data folder.
      </p>
      <TokenForm />
    </div>
  );
}

function TokenForm() {
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = pastedToken(text);
    setWrong(token === undefined);
    if (token !== undefined) keepSession(token);
  };
  return (
    <form class="token-form" onSubmit={onSubmit}>
      <input
        data-testid="session-token"
        type="password"
        placeholder="Token"
        aria-label="Session token"
        aria-invalid={isWrong}
        autocomplete="off"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" disabled={text.trim() === ""}>
        Use
      </button>
      {isWrong && <span role="alert">That is no token.</span>}
    </form>
  );
}

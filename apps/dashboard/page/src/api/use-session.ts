import { useEffect, useState } from "preact/hooks";

import { dashboard } from "./clients.ts";
import { hasSession, watchSession } from "./session.ts";
import { usePoll } from "./use-poll.ts";

const INTERVAL_MS = 5_000;

/** "unknown": not answered yet. "refused": there is a token, and it is not the right one (any more). */
export type SessionState = "unknown" | "may-change" | "none" | "refused";

/** What this page may do, kept up to date. */
export function useSession(): SessionState {
  const [tokens, setTokens] = useState(0);
  useEffect(() => watchSession(() => setTokens((count) => count + 1)), []);
  // Another token is another question, asked at once.
  const session = usePoll(
    `session ${tokens}`,
    (signal) => dashboard.getSession({}, signal),
    INTERVAL_MS,
  );
  if (!session.data) return "unknown";
  if (session.data.mayChange) return "may-change";
  return hasSession() ? "refused" : "none";
}

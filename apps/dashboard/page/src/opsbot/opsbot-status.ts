import type { GetStatusResponse } from "@glassline/proto/opsbot";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Polled } from "../api/use-poll.ts";

/** The key of the poll that fills OpsBotContext. */
export const OPSBOT_KEY = "opsbot";
export const OPSBOT_INTERVAL_MS = 2_000;

/** What OpsBot tells of itself, polled once for the whole page: the navigation shows how many incidents are open. */
export const OpsBotContext = createContext<Polled<GetStatusResponse>>({});

export function useOpsBot(): Polled<GetStatusResponse> {
  return useContext(OpsBotContext);
}

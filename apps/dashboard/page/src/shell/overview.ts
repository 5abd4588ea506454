import type { GetOverviewResponse } from "@glassline/proto/dashboard";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Polled } from "../api/use-poll.ts";

/** The dashboard's view of all services, polled once for the whole page. */
export const OverviewContext = createContext<Polled<GetOverviewResponse>>({});

export function useOverview(): Polled<GetOverviewResponse> {
  return useContext(OverviewContext);
}

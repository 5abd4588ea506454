import type { GetOverviewResponse } from "@glassline/proto/dashboard";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

import { type Outage, outagesOf } from "../api/outages.ts";
import { hasAnswers, type Polled } from "../api/use-poll.ts";

/** The key of the poll that fills OverviewContext. */
export const OVERVIEW_KEY = "overview";

/** Keys of polls that ask others than the collector: what they tell was not measured by a camera. */
const NOT_MEASURED = /^(overview|opsbot|session|channels|edges|incident)/;

/** The dashboard's view of all services, polled once for the whole page. */
export const OverviewContext = createContext<Polled<GetOverviewResponse>>({});

export function useOverview(): Polled<GetOverviewResponse> {
  return useContext(OverviewContext);
}

/** What is missing at present, as the banner and the window's title say it. */
export function outagesNow(overview: Polled<GetOverviewResponse>): Outage[] {
  return outagesOf(
    overview,
    hasAnswers((key) => !NOT_MEASURED.test(key)),
  );
}

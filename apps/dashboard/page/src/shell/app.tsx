import { dashboard, opsBot } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { OPSBOT_INTERVAL_MS, OPSBOT_KEY, OpsBotContext } from "../opsbot/opsbot-status.ts";
import { OVERVIEW_KEY, OverviewContext, outagesNow } from "./overview.ts";
import { MissingServices } from "./missing-services.tsx";
import { Navigation } from "./navigation.tsx";
import { usePath } from "./place.ts";
import { pageOf } from "./routes.tsx";

/** The frame around every page: navigation, what is missing, and the page itself. */
export function App() {
  const path = usePath();
  const overview = usePoll(OVERVIEW_KEY, (signal) => dashboard.getOverview({}, signal));
  const status = usePoll(OPSBOT_KEY, (signal) => opsBot.getStatus({}, signal), OPSBOT_INTERVAL_MS);
  return (
    <OverviewContext.Provider value={overview}>
      <OpsBotContext.Provider value={status}>
        <a class="skip-link" href="#main">
          Skip to the content
        </a>
        <div class="shell">
          <Navigation path={path} />
          <main id="main" class="main" tabIndex={-1}>
            <MissingServices outages={outagesNow(overview)} />
            {pageOf(path)}
          </main>
        </div>
      </OpsBotContext.Provider>
    </OverviewContext.Provider>
  );
}

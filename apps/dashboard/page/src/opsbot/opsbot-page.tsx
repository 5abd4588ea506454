import type { RpcError } from "@glassline/proto/errors";

import { isAway } from "../api/is-away.ts";
import { clock } from "../format/time.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { useTitle } from "../shell/use-title.ts";
import { ChatPanel } from "./chat-panel.tsx";
import { CheckTable } from "./check-table.tsx";
import { IncidentList } from "./incident-list.tsx";
import { sentenceOf } from "./incidents.ts";
import { useOpsBot } from "./opsbot-status.ts";

/** What OpsBot sees and does, and talking with it. */
export function OpsBotPage() {
  const status = useOpsBot();
  const openCount = status.data?.openIncidents ?? 0;
  useTitle(openCount > 0 ? `(${openCount}) OpsBot` : "OpsBot");
  return (
    <>
      <header class="page-header">
        <h1>OpsBot</h1>
        {status.data && <p>{sentenceOf(status.data)}</p>}
      </header>
      <Impediment />
      <div class="ops">
        <IncidentList />
        <ChatPanel />
        {status.data ? (
          <Stale of={status}>
            <CheckTable checks={status.data.checks} />
          </Stale>
        ) : (
          !isGone(status.error) && <Loading shapes={4} error={status.error} />
        )}
      </div>
    </>
  );
}

/** Whether an error only says what the impediment says already. */
function isGone(error: RpcError | undefined): boolean {
  return error !== undefined && isAway(error);
}

/** Why OpsBot cannot act at present; nothing when it can. */
function Impediment() {
  const { data, error, failingSinceMs } = useOpsBot();
  const text = isGone(error)
    ? `OpsBot does not answer since ${clock(failingSinceMs ?? Date.now())} (${error!.message}). Edges go on; nobody watches or repairs them.`
    : data?.impediment && `OpsBot cannot act at present: ${data.impediment}`;
  return (
    <div role="status" aria-live="polite">
      {text && (
        <p class="impediment" data-testid="impediment">
          {text}
        </p>
      )}
    </div>
  );
}

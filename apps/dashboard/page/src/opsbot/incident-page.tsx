import type { Incident } from "@glassline/proto/opsbot";

import { opsBot } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { NotFoundPage } from "../shell/not-found-page.tsx";
import { useServerClock } from "../shell/use-server-clock.ts";
import { useTitle } from "../shell/use-title.ts";
import { lastingText, phaseName } from "./incidents.ts";
import { Story } from "./story.tsx";

/** One incident with its whole story. */
export function IncidentPage({ id }: { id: string }) {
  useTitle(`Incident ${id}`);
  const answer = usePoll(`incident ${id}`, (signal) =>
    opsBot.getIncident({ id: BigInt(id) }, signal),
  );
  if (!answer.data && answer.error?.code === "not_found") return <UnknownIncident id={id} />;
  const incident = answer.data?.incident;
  return (
    <>
      <nav class="crumbs" aria-label="Way back">
        <a href="/ops">← OpsBot</a>
      </nav>
      {incident ? (
        <Stale of={answer}>
          <IncidentHeader incident={incident} />
          <section class="panel">
            <Story entries={answer.data!.entries} />
          </section>
        </Stale>
      ) : (
        <>
          <h1>Incident {id}</h1>
          <Loading shapes={3} error={answer.error} />
        </>
      )}
    </>
  );
}

function IncidentHeader({ incident }: { incident: Incident }) {
  const nowMs = useServerClock()();
  const phase = phaseName(incident);
  return (
    <header class="page-header">
      <div class="incident-title" data-testid={`incident-${incident.id}`} data-phase={phase}>
        <h1>{incident.title}</h1>
        <span class={`phase is-${phase}`}>{phase}</span>
      </div>
      <p>
        Incident {String(incident.id)}, {incident.object} {incident.check}, opened{" "}
        {clock(millisecondsOf(incident.openedUnixNano))}, {lastingText(incident, nowMs)}
      </p>
    </header>
  );
}

function UnknownIncident({ id }: { id: string }) {
  return (
    <NotFoundPage title="No such incident" what={`OpsBot's journal has no incident ${id}.`}>
      <p>
        <a href="/ops">See the incidents that are there</a>
      </p>
    </NotFoundPage>
  );
}

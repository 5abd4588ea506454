import type { Incident } from "@glassline/proto/opsbot";

import { opsBot } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { useServerClock } from "../shell/use-server-clock.ts";
import { OPSBOT_INTERVAL_MS } from "./opsbot-status.ts";
import { incidentPath, isOpen, lastingText, phaseName } from "./incidents.ts";

const SHOWN_MAX = 50;

/** Incidents, newest first; those that are open stand out. */
export function IncidentList() {
  const list = usePoll(
    "incidents",
    (signal) => opsBot.listIncidents({ limit: SHOWN_MAX }, signal),
    OPSBOT_INTERVAL_MS,
  );
  const nowMs = useServerClock()();
  return (
    <section class="incidents" aria-label="Incidents">
      <h2>Incidents</h2>
      {list.data ? (
        <Stale of={list} isNoted={false}>
          {list.data.incidents.length === 0 ? (
            <p class="nothing">There has been no incident yet.</p>
          ) : (
            <ul class="incident-list">
              {list.data.incidents.map((incident) => (
                <IncidentRow key={String(incident.id)} incident={incident} nowMs={nowMs} />
              ))}
            </ul>
          )}
        </Stale>
      ) : (
        <Loading shapes={2} error={list.error} />
      )}
    </section>
  );
}

function IncidentRow({ incident, nowMs }: { incident: Incident; nowMs: number }) {
  const phase = phaseName(incident);
  return (
    <li
      class={`incident ${isOpen(incident) ? "is-open" : ""} is-${phase}`}
      data-testid={`incident-${incident.id}`}
      data-phase={phase}
    >
      <p class="incident-head">
        <a href={incidentPath(incident)}>{incident.title}</a>
        <span class={`phase is-${phase}`}>{phase}</span>
      </p>
      {incident.summary && <p class="incident-summary">{incident.summary}</p>}
      <p class="incident-times">
        {clock(millisecondsOf(incident.openedUnixNano))}, {lastingText(incident, nowMs)}
      </p>
    </li>
  );
}

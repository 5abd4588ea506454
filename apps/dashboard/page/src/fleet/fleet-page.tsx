import { useMemo, useRef, useState } from "preact/hooks";

import { query } from "../api/clients.ts";
import { camerasOf, useChannels } from "../api/use-channels.ts";
import { isStale, usePoll } from "../api/use-poll.ts";
import { millisecondsOf } from "../format/time.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import type { StateName } from "../parts/state-name.ts";
import { useTitle } from "../shell/use-title.ts";
import { EmptyFleet } from "./empty-fleet.tsx";
import { FleetControls } from "./fleet-controls.tsx";
import { FleetSummary } from "./fleet-summary.tsx";
import { FleetView } from "./fleet-view.tsx";
import { countStates, filterFleet, fleetOf, HEADLINE_METRICS, metricsOf } from "./fleet.ts";
import { useFleetLayout } from "./use-fleet-layout.ts";

const NO_STATES: ReadonlySet<StateName> = new Set();

/** Every camera's state at a glance. */
export function FleetPage() {
  const [text, setText] = useState("");
  const [states, setStates] = useState(NO_STATES);
  const metrics = useRef(HEADLINE_METRICS);
  const cameras = usePoll("cameras", (signal) =>
    query.listCameras({ metrics: metrics.current }, signal),
  );
  const status = usePoll("status", (signal) => query.getStatus({}, signal));
  const channels = useChannels();
  const withPicture = useMemo(() => camerasOf(channels.data?.channels ?? []), [channels.data]);
  const fleet = useMemo(
    () => fleetOf(cameras.data?.cameras ?? [], withPicture),
    [cameras.data, withPicture],
  );
  const counts = useMemo(() => countStates(fleet), [fleet]);
  const [layout, setLayout] = useFleetLayout(fleet.length);
  metrics.current = metricsOf(layout);
  const problems = counts.fault + counts.silent;
  useTitle(problems > 0 && !isStale(cameras) ? `(${problems}) Fleet` : "Fleet");
  if (!cameras.data) return <Loading shapes={24} error={cameras.error} />;
  const shown = filterFleet(fleet, text, states);
  const nowMs = millisecondsOf(cameras.data.nowUnixNano);
  return (
    <>
      <h1 class="visually-hidden">Fleet</h1>
      <Stale of={cameras}>
        <FleetSummary counts={counts} states={states} onStates={setStates} status={status} />
        {fleet.length === 0 ? (
          <EmptyFleet />
        ) : (
          <>
            <FleetControls
              text={text}
              onText={setText}
              layout={layout}
              onLayout={setLayout}
              shownCount={shown.length}
              allCount={fleet.length}
              simulatedCount={fleet.filter(({ simulated }) => simulated).length}
            />
            <FleetView cameras={shown} layout={layout} nowMs={nowMs} />
          </>
        )}
      </Stale>
    </>
  );
}

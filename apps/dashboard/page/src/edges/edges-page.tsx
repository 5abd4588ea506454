import type { ListEdgesResponse } from "@glassline/proto/dashboard";
import { useMemo } from "preact/hooks";

import { dashboard } from "../api/clients.ts";
import { useChannels } from "../api/use-channels.ts";
import { type Polled, usePoll } from "../api/use-poll.ts";
import { compareNames } from "../format/order.ts";
import { millisecondsOf } from "../format/time.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { useTitle } from "../shell/use-title.ts";
import { ChannelTable } from "./channel-table.tsx";
import { EdgeCard } from "./edge-card.tsx";
import { createEdgeHistory } from "./edge-history.ts";
import { EdgeTotalsLine } from "./edge-totals.tsx";

/** Kept over navigation, so that the lines go on where they were. */
const history = createEdgeHistory();

/** The edge caches, what they serve, and the channels that are played from them. */
export function EdgesPage() {
  useTitle("Edges");
  const edges = usePoll("edges", (signal) => dashboard.listEdges({}, signal));
  const channels = useChannels();
  return (
    <>
      <header class="page-header">
        <h1>Edges</h1>
        <p>Caches that hand live pictures to viewers, and spare the origin.</p>
      </header>
      {edges.data ? (
        <Stale of={edges}>
          <EdgeList edges={edges} data={edges.data} />
        </Stale>
      ) : (
        <Loading shapes={3} error={edges.error} />
      )}
      {channels.data && (
        <Stale of={channels}>
          <ChannelTable channels={channels.data.channels} />
        </Stale>
      )}
    </>
  );
}

function EdgeList({
  edges: { receivedMs = 0 },
  data,
}: {
  edges: Polled<ListEdgesResponse>;
  data: ListEdgesResponse;
}) {
  const sorted = useMemo(
    () => data.edges.toSorted((left, right) => compareNames(left.name, right.name)),
    [data],
  );
  history.record(sorted, receivedMs);
  if (sorted.length === 0)
    return <p class="nothing">No edge is known: the dashboard was told of none.</p>;
  const trends = sorted.map(({ name }) => history.trendOf(name));
  const nowMs = millisecondsOf(data.nowUnixNano);
  return (
    <>
      <EdgeTotalsLine edges={sorted} trends={trends} />
      <section class="edge-cards" aria-label="Edges">
        {sorted.map((edge, at) => (
          <EdgeCard key={edge.name} edge={edge} trend={trends[at]!} nowMs={nowMs} />
        ))}
      </section>
    </>
  );
}

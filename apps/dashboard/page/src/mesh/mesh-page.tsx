import type { GetOverviewResponse } from "@glassline/proto/dashboard";
import { useMemo } from "preact/hooks";

import { query } from "../api/clients.ts";
import { NO_GATEWAY } from "../api/outages.ts";
import { usePoll } from "../api/use-poll.ts";
import { counted } from "../format/plural.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { useOverview } from "../shell/overview.ts";
import { useTitle } from "../shell/use-title.ts";
import { AbsentNodes } from "./absent-nodes.tsx";
import { CAMERAS_NODE, type MeshGraph, meshGraphOf } from "./mesh-graph.ts";
import { MeshPicture } from "./mesh-picture.tsx";
import { NodeCard } from "./node-card.tsx";

const EMPTY: GetOverviewResponse["nodes"] = [];

/** The mesh as its nodes see it, and each node in figures. */
export function MeshPage() {
  useTitle("Mesh");
  const overview = useOverview();
  const status = usePoll("status", (signal) => query.getStatus({}, signal));
  const graph = useMemo(() => overview.data && meshGraphOf(overview.data), [overview.data]);
  if (!overview.data || !graph) return <Loading shapes={4} error={overview.error} />;
  const nodes = overview.data.nodes ?? EMPTY;
  const cameras = status.data && counted(status.data.cameras, "camera");
  const agents = nodes.reduce((sum, { gateway }) => sum + (gateway?.agents ?? 0), 0);
  const captions = {
    [CAMERAS_NODE]: cameras ?? counted(agents, "agent"),
    ...collectorCaption(overview.data, status.data?.durability),
    ...Object.fromEntries(nodes.map((node) => [node.node, captionOf(node)])),
  };
  return (
    <Stale of={overview}>
      <header class="page-header">
        <h1>Mesh</h1>
        <p>{sentenceOf(graph)}</p>
      </header>
      {nodes.length > 0 && <MeshPicture graph={graph} captions={captions} />}
      <AbsentNodes overview={overview.data} />
      <section class="node-cards" aria-label="Nodes">
        {nodes.map((node) => (
          <NodeCard key={node.node} node={node} />
        ))}
      </section>
    </Stale>
  );
}

/** What fits below the name of the collector. */
const CAPTION_MAX_CHARACTERS = 20;

function collectorCaption(
  { services }: GetOverviewResponse,
  durability = "",
): Record<string, string> {
  const name = services.find(({ kind }) => kind === "collector")?.name ?? "";
  const fits = durability !== "" && durability.length <= CAPTION_MAX_CHARACTERS;
  return { [name]: fits ? durability : "stores and answers" };
}

function captionOf({ gateway, services }: GetOverviewResponse["nodes"][number]): string {
  if (gateway) return `gateway, ${counted(gateway.agents, "agent")}`;
  return services.length > 0 ? `relay to ${services[0]}` : "relay";
}

function sentenceOf({ ways, nodes }: MeshGraph): string {
  if (nodes.length === 0) return "No node answers.";
  if (!nodes.some(({ kind }) => kind === "gateway")) return NO_GATEWAY;
  if (ways.length === 0)
    return "No way to the collector is in use: gateways keep measurements on disk.";
  if (ways.length === 1) return `Measurements go ${ways[0]!.join(" → ")}.`;
  return `${ways.length} gateways have a way to the collector.`;
}

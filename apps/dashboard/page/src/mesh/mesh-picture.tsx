import { useMemo } from "preact/hooks";

import { useNarrow } from "../parts/use-narrow.ts";
import type { MeshGraph } from "./mesh-graph.ts";
import {
  layoutOf,
  NODE_HEIGHT,
  NODE_WIDTH,
  type PlacedLink,
  type PlacedNode,
} from "./mesh-layout.ts";

/** With more links, figures stand only on those in use; the tables below have them all. */
const LABELLED_MAX_LINKS = 16;

const LABEL_WIDTH = 54;
const LABEL_HEIGHT = 30;
/** A wide mesh is made smaller down to this, then it scrolls. */
/** And on a wide screen a small mesh may be a little larger than drawn. */
const SCALE_WIDE = 1.15;
const SCALE_MIN = 0.66;

/** The mesh as a drawing. `captions` are second lines of nodes, by name. */
export function MeshPicture({
  graph,
  captions,
}: {
  graph: MeshGraph;
  captions: Readonly<Record<string, string>>;
}) {
  const narrow = useNarrow();
  const { width, height, nodes, links } = useMemo(() => layoutOf(graph, narrow), [graph, narrow]);
  const ordered = links.toSorted((left, right) => Number(left.inUse) - Number(right.inUse));
  const labelled = ordered.filter(({ inUse }) => inUse || links.length <= LABELLED_MAX_LINKS);
  return (
    <div class="mesh-picture">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        width={narrow ? width : width * SCALE_WIDE}
        style={{ minWidth: `${width * SCALE_MIN}px` }}
        role="img"
        aria-label={`Mesh of ${nodes.length} nodes. ${graph.ways.map((way) => `In use: ${way.join(" to ")}.`).join(" ")}`}
      >
        {ordered.map((link) => (
          <LinkLine key={`${link.from} ${link.to}`} link={link} />
        ))}
        {labelled.map((link) => (
          <LinkLabel key={`${link.from} ${link.to}`} link={link} />
        ))}
        {nodes.map((node) => (
          <NodeBox key={node.name} node={node} caption={captions[node.name] ?? node.kind} />
        ))}
      </svg>
    </div>
  );
}

function LinkLine({ link: { path, up, inUse } }: { link: PlacedLink }) {
  const kind = !up ? "is-down" : inUse ? "is-in-use" : "";
  return (
    <g class={`mesh-link ${kind}`}>
      <path d={path} />
      {inUse && <path class="flow" d={path} />}
    </g>
  );
}

function LinkLabel({ link: { label, up, rttMs, cost } }: { link: PlacedLink }) {
  if (rttMs === undefined) return null;
  return (
    <g class="mesh-link-label" text-anchor="middle">
      <rect
        x={label.x - LABEL_WIDTH / 2}
        y={label.y - LABEL_HEIGHT / 2}
        width={LABEL_WIDTH}
        height={LABEL_HEIGHT}
        rx="6"
      />
      <text x={label.x} y={label.y - 2}>
        {up ? roundTrip(rttMs) : "down"}
      </text>
      <text x={label.x} y={label.y + 11}>
        {up ? `cost ${cost}` : ""}
      </text>
    </g>
  );
}

/** Nothing is known of a new link. */
const roundTrip = (rttMs: number): string =>
  rttMs > 0 ? `${rttMs.toFixed(rttMs < 10 ? 1 : 0)} ms` : "–";

function NodeBox({ node: { name, kind, x, y }, caption }: { node: PlacedNode; caption: string }) {
  const left = x - NODE_WIDTH / 2;
  const top = y - NODE_HEIGHT / 2;
  return (
    <g class={`mesh-node is-${kind}`} data-node={name}>
      {kind === "cameras" && (
        <rect
          x={left + 5}
          y={top - 5}
          width={NODE_WIDTH}
          height={NODE_HEIGHT}
          rx="10"
          class="behind"
        />
      )}
      <rect
        x={left}
        y={top}
        width={NODE_WIDTH}
        height={NODE_HEIGHT}
        rx={kind === "collector" ? 24 : 10}
      />
      <text class="mesh-node-name" x={x} y={y - 3} text-anchor="middle">
        {name.length > 15 ? `${name.slice(0, 14)}…` : name}
        <title>{name}</title>
      </text>
      <text class="mesh-node-caption" x={x} y={y + 13} text-anchor="middle">
        {caption}
      </text>
    </g>
  );
}

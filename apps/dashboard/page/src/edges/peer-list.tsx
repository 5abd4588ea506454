import type { Peer } from "@glassline/proto/edge";

import { counted } from "../format/plural.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { EdgeGlyph } from "./edge-glyph.tsx";

/** The other edges as this one sees them: it may move viewers to those that answer. */
export function PeerList({ peers }: { peers: readonly Peer[] }) {
  if (peers.length === 0) return null;
  return (
    <ul class="peers" aria-label="Edges that it sees">
      {peers.map(({ edge, publicUrl, reachable, sinceUnixNano, viewers }) => (
        <li key={edge} class={reachable ? "is-ready" : "is-away"} title={publicUrl}>
          <EdgeGlyph state={reachable ? "ready" : "away"} />
          {edge}
          <span class="quiet">
            {reachable
              ? counted(viewers, "viewer")
              : `no answer since ${clock(millisecondsOf(sinceUnixNano))}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

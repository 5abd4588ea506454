import type { DeployedEdge } from "@glassline/proto/opsbot";

import { EdgeGlyph } from "../edges/edge-glyph.tsx";

/** The caches of a channel, and on which machines they run. */
export function DeployedEdges({ edges }: { edges: readonly DeployedEdge[] }) {
  return (
    <section aria-label="Edges">
      <h2>Edges</h2>
      {edges.length === 0 ? (
        <p class="nothing">None has been placed yet.</p>
      ) : (
        <table class="data-table deployed-edges">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col">Machine</th>
              <th scope="col" class="wide-only">
                Viewers come to
              </th>
            </tr>
          </thead>
          <tbody>
            {edges.map((edge) => (
              <EdgeRow key={edge.name} edge={edge} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function EdgeRow({ edge: { name, machine, role, publicUrl, ready } }: { edge: DeployedEdge }) {
  const state = ready ? "ready" : "starting";
  return (
    <tr data-testid={`deployed-${name}`}>
      <th scope="row">
        {name} {role !== "" && role !== "edge" && <span class="tag is-quiet">{role}</span>}
      </th>
      <td>
        <span class={`state-text is-${state}`}>
          <EdgeGlyph state={state} /> {ready ? "ready" : "not ready"}
        </span>
      </td>
      <td>{machine || "–"}</td>
      <td class="wide-only quiet">{publicUrl || "–"}</td>
    </tr>
  );
}

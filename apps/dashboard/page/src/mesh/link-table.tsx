import type { GetStatusResponse } from "@glassline/proto/mesh";

import { compact } from "../format/quantity.ts";
import { keysOf } from "./link-keys.ts";

/** A node's links to its neighbours. */
export function LinkTable({ node }: { node: GetStatusResponse }) {
  if (node.links.length === 0) return <p class="nothing">No links.</p>;
  return (
    <div class="table-scroll">
      <table class="link-table">
        <thead>
          <tr>
            <th scope="col">Link to</th>
            <th scope="col" class="number">
              RTT
            </th>
            <th scope="col" class="number">
              Cost
            </th>
            <th scope="col" class="number">
              Sent
            </th>
            <th scope="col" class="number">
              Received
            </th>
            <th scope="col">Keys</th>
          </tr>
        </thead>
        <tbody>
          {node.links.map((link) => (
            <tr key={link.neighbour} class={link.up ? "" : "is-down"}>
              <th scope="row">
                {link.neighbour}
                {!link.up && <span class="tag is-bad">down</span>}
              </th>
              <td class="number">
                {link.up && link.rttMs > 0 ? `${link.rttMs.toFixed(1)} ms` : "–"}
              </td>
              <td class="number">{link.up ? link.cost : "–"}</td>
              <td class="number">{compact(Number(link.framesSent))}</td>
              <td class="number">{compact(Number(link.framesReceived))}</td>
              <td class="link-keys">{keysOf(link) || <span class="quiet">accepted here</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

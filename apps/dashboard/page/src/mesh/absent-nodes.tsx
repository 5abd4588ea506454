import type { GetOverviewResponse, ServiceState } from "@glassline/proto/dashboard";

import { clock, millisecondsOf } from "../format/time.ts";

/** Kinds of services that the picture of the mesh shows. */
const IN_PICTURE = new Set(["collector", "mesh-node"]);

/** Names what is missing from the picture, and since when. Why is in the banner above the page. */
export function AbsentNodes({ overview }: { overview: GetOverviewResponse }) {
  const absent = overview.services.filter(
    ({ reachable, kind }) => !reachable && IN_PICTURE.has(kind),
  );
  if (absent.length === 0) return null;
  return (
    <section class="absent" aria-label="Not in the picture">
      <h2>Not in the picture</h2>
      <ul>
        {absent.map((service) => (
          <li key={service.name}>
            <AbsentNode service={service} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function AbsentNode({ service: { name, sinceUnixNano } }: { service: ServiceState }) {
  return (
    <>
      <strong>{name}</strong> does not answer since {clock(millisecondsOf(sinceUnixNano))}
    </>
  );
}

import { compact } from "../format/quantity.ts";
import type { FleetCamera } from "./fleet.ts";
import { CameraCell } from "./camera-cell.tsx";
import { CameraRow } from "./camera-row.tsx";
import { CameraTile } from "./camera-tile.tsx";
import { moveFocus } from "./move-focus.ts";
import type { FleetLayout } from "./use-fleet-layout.ts";

const ROOMY_MAX_CAMERAS = 18;

interface FleetViewProps {
  cameras: FleetCamera[];
  layout: FleetLayout;
  nowMs: number;
}

/** Problems first, then recordings, then everyone else; each camera once. */
export function FleetView({ cameras, layout, nowMs }: FleetViewProps) {
  if (cameras.length === 0) return <p class="nothing">No camera matches this filter.</p>;
  const problems = cameras.filter(({ state }) => state !== "live");
  const recordings = cameras.filter(({ state, recording }) => state === "live" && recording);
  const others = cameras.filter(({ state, recording }) => state === "live" && !recording);
  return (
    <>
      <Section
        title="Needs attention"
        cameras={problems}
        layout={roomy(layout, problems)}
        nowMs={nowMs}
      />
      <Section
        title="Recordings"
        cameras={recordings}
        layout={roomy(layout, recordings)}
        nowMs={nowMs}
      />
      <Section title="Live" cameras={others} layout={layout} nowMs={nowMs} />
    </>
  );
}

/** A few cameras that matter are shown as tiles even among cells: reason and values count for more than room. */
function roomy(layout: FleetLayout, cameras: readonly FleetCamera[]): FleetLayout {
  return layout === "cells" && cameras.length <= ROOMY_MAX_CAMERAS ? "tiles" : layout;
}

function Section({ title, cameras, layout, nowMs }: FleetViewProps & { title: string }) {
  if (cameras.length === 0) return null;
  return (
    <section class="fleet-section" aria-label={title}>
      <h2>
        {title} <span class="count">{compact(cameras.length)}</span>
      </h2>
      {layout === "table" ? (
        <CameraTable cameras={cameras} nowMs={nowMs} />
      ) : (
        <div class={`fleet-${layout}`} onKeyDown={moveFocus}>
          {cameras.map((camera) =>
            layout === "cells" ? (
              <CameraCell key={camera.id} camera={camera} />
            ) : (
              <CameraTile key={camera.id} camera={camera} nowMs={nowMs} />
            ),
          )}
        </div>
      )}
    </section>
  );
}

function CameraTable({ cameras, nowMs }: { cameras: FleetCamera[]; nowMs: number }) {
  return (
    <table class="fleet-table data-table">
      <thead>
        <tr>
          <th scope="col">Camera</th>
          <th scope="col" class="wide-only">
            Model
          </th>
          <th scope="col">State</th>
          <th scope="col" class="number wide-only">
            Series
          </th>
          <th scope="col" class="number">
            Last heard
          </th>
        </tr>
      </thead>
      <tbody>
        {cameras.map((camera) => (
          <CameraRow key={camera.id} camera={camera} nowMs={nowMs} />
        ))}
      </tbody>
    </table>
  );
}

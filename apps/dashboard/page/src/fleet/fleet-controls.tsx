import { compact } from "../format/quantity.ts";
import { FilterField } from "../parts/filter-field.tsx";
import { Segmented } from "../parts/segmented.tsx";
import type { FleetLayout } from "./use-fleet-layout.ts";

const LAYOUTS = [
  { value: "tiles", label: "Tiles", icon: "tiles" },
  { value: "cells", label: "Cells", icon: "cells" },
  { value: "table", label: "Table", icon: "table" },
] as const;

interface FleetControlsProps {
  text: string;
  onText(text: string): void;
  layout: FleetLayout;
  onLayout(layout: FleetLayout): void;
  shownCount: number;
  allCount: number;
  /** How many of all are no real cameras. */
  simulatedCount: number;
}

/** What is shown, and how. */
export function FleetControls({
  text,
  onText,
  layout,
  onLayout,
  shownCount,
  allCount,
  simulatedCount,
}: FleetControlsProps) {
  const all = shownCount === allCount;
  return (
    <div class="controls">
      <FilterField label="Filter by id, model, reason …" value={text} onChange={onText} />
      <p class="controls-count" role="status">
        {all
          ? `${compact(allCount)} cameras`
          : `${compact(shownCount)} of ${compact(allCount)} cameras`}
        {simulatedCount > 0 && `, ${compact(simulatedCount)} simulated`}
      </p>
      <Segmented label="Layout" choices={LAYOUTS} chosen={layout} onChoose={onLayout} />
    </div>
  );
}

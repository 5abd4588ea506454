import { useState } from "preact/hooks";

export type FleetLayout = "tiles" | "cells" | "table";

/** From here on cells show more of the fleet than tiles. */
const CELLS_FROM_CAMERAS = 400;
const STORAGE_KEY = "glassline.fleet-layout";

/** The chosen layout, remembered; by the size of the fleet when none was chosen. */
export function useFleetLayout(cameraCount: number): [FleetLayout, (layout: FleetLayout) => void] {
  const [chosen, setChosen] = useState(storedLayout);
  const choose = (layout: FleetLayout): void => {
    setChosen(layout);
    try {
      localStorage.setItem(STORAGE_KEY, layout);
    } catch {
      // Storage may be forbidden: the choice holds until the page is closed.
    }
  };
  return [chosen ?? (cameraCount >= CELLS_FROM_CAMERAS ? "cells" : "tiles"), choose];
}

function storedLayout(): FleetLayout | undefined {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return stored === "tiles" || stored === "cells" || stored === "table" ? stored : undefined;
  } catch {
    return undefined;
  }
}

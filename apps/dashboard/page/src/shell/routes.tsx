import { CameraPage } from "../camera/camera-page.tsx";
import { FleetPage } from "../fleet/fleet-page.tsx";
import { MeshPage } from "../mesh/mesh-page.tsx";
import { TracePage } from "../traces/trace-page.tsx";
import { TracesPage } from "../traces/traces-page.tsx";
import { NotFoundPage } from "./not-found-page.tsx";

/** The page of a path. */
export function pageOf(path: string) {
  const [room = "", name, ...rest] = path.split("/").slice(1).map(decoded);
  if (rest.some(Boolean)) return <NotFoundPage />;
  if (room === "" && name === undefined) return <FleetPage />;
  if (room === "cameras" && name) return <CameraPage key={name} cameraId={name} />;
  if (room === "mesh" && !name) return <MeshPage />;
  if (room === "traces" && name) return <TracePage key={name} traceId={name} />;
  if (room === "traces") return <TracesPage />;
  return <NotFoundPage />;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

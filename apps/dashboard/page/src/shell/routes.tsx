import { CameraPage } from "../camera/camera-page.tsx";
import { DeploymentPage } from "../deployments/deployment-page.tsx";
import { DeploymentsPage } from "../deployments/deployments-page.tsx";
import { EdgesPage } from "../edges/edges-page.tsx";
import { FleetPage } from "../fleet/fleet-page.tsx";
import { MeshPage } from "../mesh/mesh-page.tsx";
import { IncidentPage } from "../opsbot/incident-page.tsx";
import { OpsBotPage } from "../opsbot/opsbot-page.tsx";
import { TracePage } from "../traces/trace-page.tsx";
import { TracesPage } from "../traces/traces-page.tsx";
import { NotFoundPage } from "./not-found-page.tsx";

/** As the contract's uint64: what is longer names no incident. */
const INCIDENT_ID = /^\d{1,19}$/;

/** The page of a path. */
export function pageOf(path: string) {
  const [room = "", name, ...rest] = path.split("/").slice(1).map(decoded);
  if (room === "ops") return opsPageOf(name, rest);
  if (rest.some(Boolean)) return <NotFoundPage />;
  if (room === "" && name === undefined) return <FleetPage />;
  if (room === "cameras" && name) return <CameraPage key={name} cameraId={name} />;
  if (room === "mesh" && !name) return <MeshPage />;
  if (room === "traces" && name) return <TracePage key={name} traceId={name} />;
  if (room === "traces") return <TracesPage />;
  if (room === "edges" && !name) return <EdgesPage />;
  if (room === "deployments" && name) return <DeploymentPage key={name} channel={name} />;
  if (room === "deployments") return <DeploymentsPage />;
  return <NotFoundPage />;
}

function opsPageOf(name: string | undefined, [id = "", ...rest]: string[]) {
  if (!name && id === "") return <OpsBotPage />;
  if (name === "incidents" && INCIDENT_ID.test(id) && !rest.some(Boolean))
    return <IncidentPage key={id} id={id} />;
  return <NotFoundPage />;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

import type { GetLatestResponse } from "@glassline/proto/query";

import { query } from "../api/clients.ts";
import { type Polled, usePoll } from "../api/use-poll.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { useTitle } from "../shell/use-title.ts";
import { CameraHeader } from "./camera-header.tsx";
import { CameraMetrics } from "./camera-metrics.tsx";
import { UnknownCamera } from "./unknown-camera.tsx";

/** One camera: what it is, how it is, and all that it measures. */
export function CameraPage({ cameraId }: { cameraId: string }) {
  useTitle(cameraId);
  const latest = usePoll(`camera ${cameraId}`, (signal) => query.getLatest({ cameraId }, signal));
  if (!latest.data && latest.error?.code === "not_found")
    return <UnknownCamera cameraId={cameraId} />;
  return (
    <>
      <nav class="crumbs" aria-label="Way back">
        <a href="/">← Fleet</a>
      </nav>
      <CameraBody cameraId={cameraId} latest={latest} />
    </>
  );
}

function CameraBody({ cameraId, latest }: { cameraId: string; latest: Polled<GetLatestResponse> }) {
  if (!latest.data) {
    return (
      <>
        <h1>{cameraId}</h1>
        <Loading shapes={9} error={latest.error} />
      </>
    );
  }
  return (
    <Stale of={latest}>
      <CameraHeader cameraId={cameraId} latest={latest.data} />
      <CameraMetrics cameraId={cameraId} latest={latest.data} />
    </Stale>
  );
}

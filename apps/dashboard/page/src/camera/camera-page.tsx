import type { GetLatestResponse } from "@glassline/proto/query";
import { useMemo } from "preact/hooks";

import { query } from "../api/clients.ts";
import { type Polled, usePoll } from "../api/use-poll.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { createPlayhead, PlayheadContext } from "../player/playhead.ts";
import { useTitle } from "../shell/use-title.ts";
import { CameraHeader } from "./camera-header.tsx";
import { CameraMetrics } from "./camera-metrics.tsx";
import { CameraPicture } from "./camera-picture.tsx";
import { HeadlineReadings } from "./headline-readings.tsx";
import { UnknownCamera } from "./unknown-camera.tsx";

/** One camera: its picture, what it is, how it is, and all that it measures. */
export function CameraPage({ cameraId }: { cameraId: string }) {
  useTitle(cameraId);
  const playhead = useMemo(createPlayhead, [cameraId]);
  const latest = usePoll(`camera ${cameraId}`, (signal) => query.getLatest({ cameraId }, signal));
  const isUnknown = !latest.data && latest.error?.code === "not_found";
  return (
    <PlayheadContext.Provider value={playhead}>
      {!isUnknown && (
        <nav class="crumbs" aria-label="Way back">
          <a href="/">← Fleet</a>
        </nav>
      )}
      <div class="camera-top">
        <CameraPicture cameraId={cameraId} />
        {isUnknown ? (
          <UnknownCamera cameraId={cameraId} />
        ) : (
          <CameraFacts cameraId={cameraId} latest={latest} />
        )}
      </div>
      {latest.data && (
        <Stale of={latest} isNoted={false}>
          <CameraMetrics cameraId={cameraId} latest={latest.data} />
        </Stale>
      )}
    </PlayheadContext.Provider>
  );
}

function CameraFacts({
  cameraId,
  latest,
}: {
  cameraId: string;
  latest: Polled<GetLatestResponse>;
}) {
  if (!latest.data) {
    return (
      <div class="camera-facts">
        <h1 class="camera-id" title={cameraId}>
          {cameraId}
        </h1>
        <Loading shapes={9} error={latest.error} />
      </div>
    );
  }
  return (
    <div class="camera-facts">
      <Stale of={latest}>
        <CameraHeader cameraId={cameraId} latest={latest.data} />
        <HeadlineReadings samples={latest.data.samples} />
      </Stale>
    </div>
  );
}

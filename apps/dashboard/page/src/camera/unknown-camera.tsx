import { query } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { nearest } from "../parts/text-match.ts";
import { NotFoundPage } from "../shell/not-found-page.tsx";
import { cameraPath } from "../shell/place.ts";

const SUGGESTIONS = 5;

/** For an id that no camera has: which ones are near it. */
export function UnknownCamera({ cameraId }: { cameraId: string }) {
  const cameras = usePoll("camera ids", (signal) => query.listCameras({}, signal), 5_000);
  const ids = (cameras.data?.cameras ?? []).map((camera) => camera.cameraId);
  return (
    <NotFoundPage
      title={`No camera “${cameraId}”`}
      what="The collector has never received anything from a camera of this name. A new camera appears with its first measurement."
    >
      {ids.length > 0 && (
        <>
          <h2>Did you mean</h2>
          <ul class="link-list">
            {nearest(cameraId, ids, SUGGESTIONS).map((id) => (
              <li key={id}>
                <a href={cameraPath(id)}>{id}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </NotFoundPage>
  );
}

import type { ErrorData, HlsConfig, ManifestLoadedData } from "hls.js";
import type Hls from "hls.js";

import { edgeName } from "./edge-order.ts";
import type { Trouble } from "./picture-source.ts";

/** A second media error within this time is not mended in place again. */
const MEDIA_RECOVERY_MS = 5_000;

/** One try to play from one edge; content steering may carry it to others without anybody noticing. */
export interface HlsConnection extends Disposable {
  hls: Hls;
  /** Address that came from an edge last: of the newest segment, or else of the playlist that was asked for. */
  newestUrl(): string;
  /** Name of the edge that the newest segment came from. */
  edge(): string | undefined;
}

export interface ConnectionEvents {
  /** The playlists are there. */
  onReady(connection: HlsConnection): void;
  /** Something to look at is there. */
  onBuffered(connection: HlsConnection): void;
  /** It cannot go on: every pathway that it knew failed. What is buffered is still there. */
  onFail(connection: HlsConnection, trouble: Trouble): void;
}

/** Begins to load; a video element is attached by the caller, once there is something to play. */
export function openConnection(
  HlsPlayer: typeof Hls,
  url: string,
  options: Partial<HlsConfig>,
  events: ConnectionEvents,
): HlsConnection {
  const { Events, ErrorTypes } = HlsPlayer;
  const hls = new HlsPlayer(options);
  const pathwayIds = new Map<string, string>();
  let segmentUrl: string | undefined;
  let recoveredMs = Number.NEGATIVE_INFINITY;
  const connection: HlsConnection = {
    hls,
    newestUrl: () => segmentUrl ?? url,
    edge: () => segmentUrl && edgeName(segmentUrl, pathwayIds),
    [Symbol.dispose]: () => hls.destroy(),
  };
  hls.on(Events.MANIFEST_LOADED, (_event, data) => learnPathways(pathwayIds, data));
  hls.once(Events.LEVEL_LOADED, () => events.onReady(connection));
  hls.on(Events.FRAG_LOADED, (_event, { frag }) => {
    segmentUrl = frag.url;
  });
  hls.on(Events.FRAG_BUFFERED, () => events.onBuffered(connection));
  hls.on(Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    const nowMs = performance.now();
    if (data.type === ErrorTypes.MEDIA_ERROR && nowMs - recoveredMs > MEDIA_RECOVERY_MS) {
      recoveredMs = nowMs;
      hls.recoverMediaError();
      return;
    }
    events.onFail(connection, troubleOf(data));
  });
  hls.loadSource(url);
  return connection;
}

/** All variants of all edges are in the multivariant playlist; hls.js later shows those of one pathway only. */
function learnPathways(pathwayIds: Map<string, string>, { levels }: ManifestLoadedData): void {
  for (const { attrs, url } of levels) {
    const id = attrs["PATHWAY-ID"];
    if (id) pathwayIds.set(new URL(url).origin, id);
  }
}

/** An edge that answers with a status is there, whatever it says. */
function troubleOf({ type, response }: ErrorData): Trouble {
  const answered = (response?.code ?? 0) > 0;
  return type === "networkError" && !answered ? "edges-away" : "no-picture";
}

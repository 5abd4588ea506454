import type { Channel } from "@glassline/proto/origin";
import { useRef } from "preact/hooks";

import { channelOf, useChannels } from "../api/use-channels.ts";
import { Picture } from "../player/picture.tsx";

const NO_EDGES: readonly string[] = [];

/** The camera's live picture; nothing when there is no channel with it. */
export function CameraPicture({ cameraId }: { cameraId: string }) {
  const { data } = useChannels();
  const known = useRef<Channel>(undefined);
  // A picture that has been there stays: its player says when nothing comes any more.
  const channel = channelOf(data?.channels ?? [], cameraId) ?? known.current;
  known.current = channel;
  if (!channel) return null;
  return <Picture channel={channel} edgeUrls={data?.edgeUrls ?? NO_EDGES} />;
}

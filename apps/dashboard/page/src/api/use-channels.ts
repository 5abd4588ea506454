import type { ListChannelsResponse } from "@glassline/proto/dashboard";
import type { Channel } from "@glassline/proto/origin";

import { dashboard } from "./clients.ts";
import { type Polled, usePoll } from "./use-poll.ts";

const INTERVAL_MS = 3_000;

/** The live channels and where they can be played from. */
export function useChannels(): Polled<ListChannelsResponse> {
  return usePoll("channels", (signal) => dashboard.listChannels({}, signal), INTERVAL_MS);
}

/** The camera that a channel shows; what an encoder pushes is named after its camera. */
export function cameraOf({ cameraId, name }: Channel): string {
  return cameraId || name;
}

/** Ids of the cameras that have a picture. */
export function camerasOf(channels: readonly Channel[]): ReadonlySet<string> {
  return new Set(channels.map(cameraOf));
}

/** The channel with the picture of a camera. */
export function channelOf(channels: readonly Channel[], cameraId: string): Channel | undefined {
  return channels.find((channel) => cameraOf(channel) === cameraId);
}

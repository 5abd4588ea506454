import type { Trouble } from "./picture-source.ts";
import type { Stalls } from "./stall-meter.ts";

export type PlayerState =
  | "loading"
  | "playing"
  | "paused"
  | "stalled"
  | "no-picture"
  | "edges-away"
  | "unsupported";

/** What a player shows of itself. */
export interface PlayerSnapshot {
  state: PlayerState;
  edge: string | undefined;
  /** Age of the frame that is shown. */
  behindMs: number | undefined;
  stalls: Stalls;
  /** Whether it stays close to live; false after a seek or a pause. */
  isLive: boolean;
}

export const FIRST_SNAPSHOT: PlayerSnapshot = {
  state: "loading",
  edge: undefined,
  behindMs: undefined,
  stalls: { count: 0, totalMs: 0 },
  isLive: true,
};

export const STATE_TEXT: Readonly<Record<PlayerState, string>> = {
  loading: "loading",
  playing: "playing",
  paused: "paused",
  stalled: "stalled",
  "no-picture": "no picture",
  "edges-away": "edges away",
  unsupported: "no picture",
};

/** What to say over the picture; undefined: nothing, it speaks for itself. */
export const STATE_NOTE: Readonly<Partial<Record<PlayerState, string>>> = {
  loading: "Loading …",
  stalled: "Waiting for the next segment …",
  "no-picture": "The edges answer and have no picture at present. Trying again.",
  "edges-away": "No edge answers. Trying again.",
  unsupported: "This browser cannot play HLS.",
};

interface Facts {
  trouble: Trouble | undefined;
  /** Whether there has been a picture. */
  hasMoved: boolean;
  isStalled: boolean;
  wantsPlay: boolean;
}

/** Trouble shows only when it is seen: as long as the picture moves, all is well. */
export function playerState({ trouble, hasMoved, isStalled, wantsPlay }: Facts): PlayerState {
  if (!hasMoved) return trouble ?? (wantsPlay ? "loading" : "paused");
  if (isStalled) return trouble ?? "stalled";
  return wantsPlay ? "playing" : "paused";
}

/** The moment in the video's own time, in seconds; undefined: it is not kept (any more), or not there yet. */
export function seekTargetS(
  momentMs: number,
  playing: { momentMs: number; timeS: number },
  seekable: readonly (readonly [fromS: number, toS: number])[],
): number | undefined {
  const targetS = playing.timeS + (momentMs - playing.momentMs) / 1_000;
  return seekable.some(([fromS, toS]) => targetS >= fromS && targetS <= toS) ? targetS : undefined;
}

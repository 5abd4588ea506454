import type { Channel } from "@glassline/proto/origin";
import type { RefObject } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";

import { useServerClock } from "../shell/use-server-clock.ts";
import { Player } from "./player.ts";
import { FIRST_SNAPSHOT, type PlayerSnapshot } from "./player-state.ts";
import { PlayheadContext } from "./playhead.ts";

interface UsedPlayer {
  frame: RefObject<HTMLElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  player: RefObject<Player | null>;
  snapshot: PlayerSnapshot;
}

/** Plays a channel in a video element as long as it is on the page. */
export function usePlayer({ path, name }: Channel, edgeUrls: readonly string[]): UsedPlayer {
  const frame = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<Player>(null);
  const playhead = useContext(PlayheadContext);
  const [snapshot, setSnapshot] = useState(FIRST_SNAPSHOT);
  const edges = useRef(edgeUrls);
  // While none answers, those that did are still worth a try.
  if (edgeUrls.length > 0) edges.current = edgeUrls;
  const nowMs = useRef(Date.now);
  nowMs.current = useServerClock();
  useEffect(() => {
    player.current = new Player({
      video: video.current!,
      frame: frame.current!,
      path,
      contentId: name,
      playhead,
      edgeUrls: () => edges.current,
      nowMs: () => nowMs.current(),
      onChange: setSnapshot,
    });
    return () => player.current?.[Symbol.dispose]();
  }, [path, name, playhead]);
  return { frame, video, player, snapshot };
}

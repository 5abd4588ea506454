import type { Channel } from "@glassline/proto/origin";

import { PlayerBar } from "./player-bar.tsx";
import { STATE_NOTE } from "./player-state.ts";
import { usePlayer } from "./use-player.ts";

interface PictureProps {
  channel: Channel;
  edgeUrls: readonly string[];
}

const DEFAULT_SHAPE = "16 / 9";

/** A camera's live picture, and how its player fares. */
export function Picture({ channel, edgeUrls }: PictureProps) {
  const { frame, video, player, snapshot } = usePlayer(channel, edgeUrls);
  const { width, height } = channel;
  const note = STATE_NOTE[snapshot.state];
  return (
    <figure class={`picture is-${snapshot.state}`} ref={frame} aria-label="Live picture">
      <div
        class="picture-screen"
        style={{ aspectRatio: width && height ? `${width} / ${height}` : DEFAULT_SHAPE }}
      >
        <video ref={video} data-testid="player" muted playsInline onClick={togglePlay} />
        {note && (
          <p class="picture-note" role="status">
            {note}
          </p>
        )}
      </div>
      <PlayerBar
        snapshot={snapshot}
        video={video}
        hasSound={/mp4a|ac-3|ec-3|opus/i.test(channel.codecs)}
        onTogglePlay={togglePlay}
        onLive={() => player.current?.goLive()}
      />
    </figure>
  );

  function togglePlay(): void {
    player.current?.togglePlay();
  }
}

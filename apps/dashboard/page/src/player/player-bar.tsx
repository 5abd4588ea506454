import type { RefObject } from "preact";
import { useState } from "preact/hooks";

import { counted } from "../format/plural.ts";
import { Icon, type IconName } from "../parts/icon.tsx";
import { type PlayerSnapshot, STATE_TEXT } from "./player-state.ts";

interface PlayerBarProps {
  snapshot: PlayerSnapshot;
  video: RefObject<HTMLVideoElement | null>;
  hasSound: boolean;
  onTogglePlay(): void;
  onLive(): void;
}

/** Buttons of the player, and its state in words and figures. */
export function PlayerBar({ snapshot, video, hasSound, onTogglePlay, onLive }: PlayerBarProps) {
  const { state, isLive } = snapshot;
  const paused = state === "paused";
  return (
    <figcaption class="player-bar">
      <BarButton
        icon={paused ? "play" : "pause"}
        text={paused ? "Play" : "Pause"}
        onClick={onTogglePlay}
      />
      <button
        type="button"
        class="live-button"
        aria-pressed={isLive}
        title={isLive ? "The picture follows live" : "Go back to live"}
        onClick={onLive}
      >
        Live
      </button>
      <PlayerFacts snapshot={snapshot} />
      {hasSound && <SoundButton video={video} />}
      <BarButton icon="full" text="Full screen" onClick={() => showFull(video.current)} />
    </figcaption>
  );
}

function PlayerFacts({ snapshot }: { snapshot: PlayerSnapshot }) {
  const { state, edge, behindMs, stalls } = snapshot;
  return (
    <dl class="player-facts">
      <Fact name="state" testId="player-state" value={STATE_TEXT[state]} />
      <Fact name="from" testId="player-edge" value={edge ?? "–"} />
      <Fact name="behind" testId="player-latency" value={secondsText(behindMs)} />
      <div title={`${counted(stalls.count, "stall")}, ${secondsText(stalls.totalMs)} in all`}>
        <dt>stalls</dt>
        <dd
          data-testid="player-stalls"
          data-stalls={stalls.count}
          data-stalled-ms={Math.round(stalls.totalMs)}
        >
          {stalls.count === 0 ? "0" : `${stalls.count}, ${secondsText(stalls.totalMs)}`}
        </dd>
      </div>
    </dl>
  );
}

function Fact({ name, testId, value }: { name: string; testId: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={testId}>{value}</dd>
    </div>
  );
}

function SoundButton({ video }: { video: RefObject<HTMLVideoElement | null> }) {
  const [muted, setMuted] = useState(true);
  const toggle = (): void => {
    if (video.current) video.current.muted = !muted;
    setMuted(!muted);
  };
  return (
    <BarButton
      icon={muted ? "muted" : "sound"}
      text={muted ? "Sound on" : "Sound off"}
      onClick={toggle}
    />
  );
}

interface BarButtonProps {
  icon: IconName;
  text: string;
  onClick(): void;
}

function BarButton({ icon, text, onClick }: BarButtonProps) {
  return (
    <button type="button" class="bar-button" aria-label={text} title={text} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

/** An iPhone shows a video alone in full, by a name of its own. */
interface PhoneVideo extends HTMLVideoElement {
  webkitEnterFullscreen?(): void;
}

function showFull(video: PhoneVideo | null): void {
  if (document.fullscreenEnabled) void video?.requestFullscreen();
  else video?.webkitEnterFullscreen?.();
}

function secondsText(durationMs: number | undefined): string {
  return durationMs === undefined ? "–" : `${(durationMs / 1_000).toFixed(1)} s`;
}

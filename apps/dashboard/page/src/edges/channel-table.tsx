import { type Channel, ChannelKind } from "@glassline/proto/origin";

import { cameraOf } from "../api/use-channels.ts";
import { durationText } from "../format/quantity.ts";
import { ageText, millisecondsOf } from "../format/time.ts";
import { cameraPath } from "../shell/place.ts";
import { useServerClock } from "../shell/use-server-clock.ts";

/** A channel whose newest segment is older than so many of its segments is late. */
const LATE_SEGMENTS = 4;

/** The live channels of the origin. */
export function ChannelTable({ channels }: { channels: readonly Channel[] }) {
  const nowMs = useServerClock()();
  return (
    <section class="channels" aria-label="Channels">
      <h2>Channels</h2>
      {channels.length === 0 ? (
        <p class="nothing">
          There is no channel. Recordings become channels by themselves; encoders may push others.
        </p>
      ) : (
        <table class="channel-table data-table">
          <thead>
            <tr>
              <th scope="col">Channel</th>
              <th scope="col">Picture of</th>
              <th scope="col">Kind</th>
              <th scope="col" class="number wide-only">
                Size
              </th>
              <th scope="col" class="wide-only">
                Codecs
              </th>
              <th scope="col" class="number wide-only">
                Segments
              </th>
              <th scope="col" class="number">
                Newest
              </th>
            </tr>
          </thead>
          <tbody>
            {channels.map((channel) => (
              <ChannelRow key={channel.name} channel={channel} nowMs={nowMs} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function ChannelRow({ channel, nowMs }: { channel: Channel; nowMs: number }) {
  const { name, kind, width, height, codecs, targetDurationMs, newestEndUnixNano } = channel;
  const ageMs = Math.max(0, nowMs - millisecondsOf(newestEndUnixNano));
  const isLate = ageMs > targetDurationMs * LATE_SEGMENTS;
  return (
    <tr data-testid={`channel-${name}`}>
      <th scope="row">{name}</th>
      <td>
        <a href={cameraPath(cameraOf(channel))}>{cameraOf(channel)}</a>
      </td>
      <td>{kindText(channel)}</td>
      <td class="number wide-only">{width > 0 ? `${width} × ${height}` : "–"}</td>
      <td class="wide-only quiet">{codecs || "–"}</td>
      <td class="number wide-only">up to {durationText(targetDurationMs)}</td>
      <td class={`number ${isLate ? "is-late" : ""}`}>
        {newestEndUnixNano === 0n
          ? "none yet"
          : ageMs < 60_000
            ? `${(ageMs / 1_000).toFixed(1)} s ago`
            : `${ageText(ageMs)} ago`}
      </td>
    </tr>
  );

  function kindText({ loopLengthMs }: Channel): string {
    if (kind === ChannelKind.PUSH) return "pushed";
    return loopLengthMs > 0 ? `looped, ${durationText(loopLengthMs)}` : "looped";
  }
}

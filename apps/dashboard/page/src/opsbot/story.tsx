import type { Entry } from "@glassline/proto/opsbot";

import { clock, millisecondsOf, preciseClock } from "../format/time.ts";
import { afterText, kindName, storyOf } from "./incidents.ts";

/** What was seen, decided and done, from the first line to the last. */
export function Story({ entries }: { entries: readonly Entry[] }) {
  if (entries.length === 0) return <p class="nothing">Nothing is written yet.</p>;
  return (
    <ol class="story" data-testid="story">
      {storyOf(entries).map(({ entry, afterMs }, at) => (
        <StoryEntry key={at} entry={entry} after={afterText(afterMs)} />
      ))}
    </ol>
  );
}

function StoryEntry({ entry, after }: { entry: Entry; after: string }) {
  const kind = kindName(entry);
  const timeMs = millisecondsOf(entry.timeUnixNano);
  return (
    <li class={`story-entry is-${kind}`} data-testid="entry" data-kind={kind}>
      <p class="story-time">
        <time dateTime={new Date(timeMs).toISOString()} title={preciseClock(timeMs)}>
          {clock(timeMs)}
        </time>
        {after && <span class="story-after">{after}</span>}
      </p>
      <div class="story-body">
        <span class="story-kind">{kind}</span>
        <p class="story-text">{entry.text}</p>
        {entry.idempotencyKey && (
          <code class="story-key" title="Idempotency key of the action">
            {entry.idempotencyKey}
          </code>
        )}
      </div>
    </li>
  );
}

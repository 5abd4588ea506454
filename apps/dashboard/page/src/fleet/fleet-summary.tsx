import type { GetStatusResponse } from "@glassline/proto/query";

import { isStale, type Polled } from "../api/use-poll.ts";
import { bytesText, compact } from "../format/quantity.ts";
import { Meter } from "../parts/meter.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { StateGlyph } from "../parts/state-glyph.tsx";
import type { StateName } from "../parts/state-name.ts";
import type { StateCounts } from "./fleet.ts";
import { usePointsRate } from "./use-points-rate.ts";

const STATES = ["fault", "silent", "live"] as const;

interface FleetSummaryProps {
  counts: StateCounts;
  states: ReadonlySet<StateName>;
  onStates(states: ReadonlySet<StateName>): void;
  status: Polled<GetStatusResponse>;
}

/** The line that answers "is all well?": states (which filter when pressed), and what is stored. */
export function FleetSummary({ counts, states, onStates, status }: FleetSummaryProps) {
  return (
    <section class="summary" aria-label="Summary of the fleet">
      <div class="summary-states" role="group" aria-label="Show only these states">
        {STATES.map((state) => (
          <button
            key={state}
            type="button"
            class={`state-count is-${state} ${counts[state] === 0 ? "is-zero" : ""}`}
            aria-pressed={states.has(state)}
            onClick={() => onStates(states.symmetricDifference(new Set<StateName>([state])))}
          >
            <span class="figure" data-testid={`count-${state}`}>
              {compact(counts[state])}
            </span>
            <span class="figure-label">
              <StateGlyph state={state} /> {state}
            </span>
          </button>
        ))}
      </div>
      <StorageFigures status={status} />
    </section>
  );
}

function StorageFigures({ status }: { status: Polled<GetStatusResponse> }) {
  const rates = usePointsRate(status);
  const rate = rates.at(-1);
  const { data } = status;
  const logBytes = Number(data?.logBytes ?? 0n);
  const logMaxBytes = Number(data?.logMaxBytes ?? 0n);
  return (
    <dl class={`summary-storage ${isStale(status) ? "is-stale" : ""}`}>
      <div>
        <dt>points stored a second</dt>
        <dd>
          <span class="figure" data-testid="points-per-second">
            {rate === undefined ? "–" : compact(Math.round(rate))}
          </span>
          <Sparkline values={rates} />
        </dd>
      </div>
      <div>
        <dt>
          log{logMaxBytes > 0 && ` of ${bytesText(logMaxBytes)}`}, {data?.durability || "–"}
        </dt>
        <dd>
          <span class="figure">{data ? bytesText(logBytes) : "–"}</span>
          <Meter value={logBytes} max={logMaxBytes} text="Fill of the log" />
        </dd>
      </div>
    </dl>
  );
}

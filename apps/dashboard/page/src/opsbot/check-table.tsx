import type { Check } from "@glassline/proto/opsbot";

import { clock, millisecondsOf } from "../format/time.ts";
import { CheckGlyph } from "./check-glyph.tsx";
import { certaintyText, checkStateName, sortedChecks } from "./checks.ts";

/** Everything that OpsBot looks at, problems first. */
export function CheckTable({ checks }: { checks: readonly Check[] }) {
  return (
    <section class="checks" aria-label="Checks">
      <h2>Checks</h2>
      {checks.length === 0 ? (
        <p class="nothing">OpsBot has not looked at anything yet.</p>
      ) : (
        <table class="check-table data-table">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">What</th>
              <th scope="col">Says</th>
              <th scope="col" class="number wide-only">
                Since
              </th>
            </tr>
          </thead>
          <tbody>
            {sortedChecks(checks).map((check) => (
              <CheckRow key={`${check.object}\n${check.check}`} check={check} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function CheckRow({ check }: { check: Check }) {
  const state = checkStateName(check.state);
  const sinceMs = millisecondsOf(check.sinceUnixNano);
  const remark = check.suppressed || certaintyText(check);
  const isPlain = state === "ok" && check.hard && check.suppressed === "";
  return (
    <tr
      class={`is-${state}`}
      data-testid={`check-${check.object}-${check.check}`}
      data-state={state}
    >
      <td class="check-state">
        <span class="state-text">
          <CheckGlyph state={state} /> {state}
        </span>
        {!isPlain && <span class="check-certainty">{remark}</span>}
      </td>
      <th scope="row">
        {check.object} <span class="quiet">{check.check}</span>
      </th>
      <td class="check-output">{check.output}</td>
      <td class="number wide-only">{sinceMs > 0 ? clock(sinceMs) : "–"}</td>
    </tr>
  );
}

import type { ValidationReport } from "@glassline/proto/opsbot";

import { percentText } from "../format/percent.ts";
import { counted } from "../format/plural.ts";
import { bytesText, compact, durationText } from "../format/quantity.ts";
import { clock, millisecondsOf } from "../format/time.ts";

/** What players of the last test load got. */
export function ValidationCard({ report }: { report: ValidationReport | undefined }) {
  return (
    <section class="panel validation" aria-label="Validation" data-testid="validation">
      <header class="panel-head">
        <h2>Validation</h2>
        {report && (
          <span class={report.passed ? "tag is-good" : "tag is-bad"}>
            {report.passed ? "as expected" : "fell short"}
          </span>
        )}
      </header>
      {report ? <Figures report={report} /> : <p class="nothing">No test load has been run yet.</p>}
    </section>
  );
}

function Figures({ report }: { report: ValidationReport }) {
  const { players, durationMs, requests, errors, bytes, timeUnixNano, shortfalls } = report;
  return (
    <>
      {shortfalls.length > 0 && (
        <ul class="shortfalls" data-testid="shortfalls">
          {shortfalls.map((shortfall) => (
            <li key={shortfall}>{shortfall}</li>
          ))}
        </ul>
      )}
      <dl class="validation-figures">
        <Figure name="hit rate" value={percentText(report.hitRate)} />
        <Figure name="first byte, p50" value={durationText(report.firstByteP50Ms)} />
        <Figure name="first byte, p99" value={durationText(report.firstByteP99Ms)} />
        <Figure name="errors" value={compact(Number(errors))} isBad={errors > 0n} />
        <Figure name="stalls" value={compact(report.stalls)} isBad={report.stalls > 0} />
      </dl>
      <p class="quiet validation-line">
        {counted(players, "player")} for {durationText(durationMs)} at{" "}
        {clock(millisecondsOf(timeUnixNano))}: {counted(Number(requests), "request")},{" "}
        {bytesText(Number(bytes))}
      </p>
    </>
  );
}

function Figure({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }) {
  return (
    <div class={isBad ? "is-bad" : ""}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

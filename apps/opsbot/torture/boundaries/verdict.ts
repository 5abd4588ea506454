/** What a journal and the peer must show when all is over. */
import { checkAudit } from "../../src/audit-check.ts";
import type { Journal } from "../../src/stores/journal.ts";
import type { Effect } from "../loop/recording-peer.ts";
import type { Scenario } from "./scenarios.ts";

const INCIDENTS_MAX = 100;

/** @returns what is not as it must be, for people. */
export async function problemsOf(
  { effects: expected, phase }: Scenario,
  journal: Journal,
  effects: readonly Effect[],
): Promise<string[]> {
  const problems: string[] = [];
  const expect = (what: string, got: unknown, wanted: unknown) => {
    const [one, other] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (one !== other) problems.push(`${what}: got ${one}, expected ${other}`);
  };
  expect(
    "effects",
    effects.map(({ what }) => what),
    expected,
  );
  const incidents = await journal.incidents(INCIDENTS_MAX, false);
  expect(
    "phases of incidents",
    incidents.map((incident) => incident.phase),
    [phase],
  );
  expect("actions without a result", (await journal.unsettled()).length, 0);
  for (const { id } of incidents) {
    const entries = await journal.entries(id);
    const count = (kind: string) => entries.filter((entry) => entry.kind === kind).length;
    expect("lines of intents", count("intent"), expected.length);
    expect("lines of results", count("done") + count("failed"), expected.length);
    expect("lines of failures", count("failed"), 0);
    expect("lines of escalation", count("escalated"), phase === "escalated" ? 1 : 0);
  }
  const audit = await checkAudit(journal);
  if (audit.problem !== undefined) problems.push(`audit: ${audit.problem}`);
  // Each intent and each result.
  expect("lines of the audit", audit.lines, 2 * expected.length);
  return problems;
}

/** What OpsBot answers to people who only ask. */
import { newestAudit } from "./audit-tail.ts";
import type { Answer } from "./chat-answer.ts";
import { bad, firstOf, good, lastOf, timeText } from "./chat-answer.ts";
import { COMMANDS, firstWord } from "./core/commands.ts";
import { stepLine, summaryLine } from "./core/deployment/progress.ts";
import { oneLine } from "./core/echo.ts";
import type { Desk, Story } from "./desk.ts";
import type { Observation } from "./observers/observer.ts";
import { orderLines } from "./orders.ts";
import type { IncidentRow } from "./stores/incidents.ts";

const INCIDENTS_SHOWN = 20;
const AUDIT_SHOWN = 20;
/** How far back the newest incident about something is looked for. */
const INCIDENTS_SEARCHED = 200;

export async function status(object: string | undefined, desk: Desk): Promise<Answer> {
  const all = desk.observations();
  if (object !== undefined) {
    const lines = all.filter((each) => each.object === object).map(lineOf);
    const text = lines.length === 0 ? `Nothing about ${object} is looked at.` : "";
    return good([text, ...firstOf(lines)].join("\n").trim(), [`why ${object}`]);
  }
  const problems = all.filter(({ state }) => state !== "ok");
  const [open, orders] = await Promise.all([desk.incidents(INCIDENTS_SHOWN, true), desk.orders()]);
  const impediment = desk.impediment();
  const lines = [
    ...(impediment === "" ? [] : [`I can do nothing at present: ${oneLine(impediment)}.`]),
    problems.length === 0
      ? `All ${all.length} checks are OK.`
      : `${problems.length} of ${all.length} checks are not OK:`,
    ...firstOf(problems.map(lineOf)),
    ...firstOf(orderLines(orders)),
    open.length === 0 ? "No incident is open." : "Open incidents:",
    ...open.map(incidentLine),
  ];
  return good(lines.join("\n"), open.slice(0, 3).map(showing));
}

export async function why(object: string | undefined, desk: Desk): Promise<Answer> {
  const problems = desk
    .observations()
    .filter((each) => each.object === object && each.state !== "ok");
  const incidents = await desk.incidents(INCIDENTS_SEARCHED, false);
  const incident = incidents.find((each) => object === undefined || each.object === object);
  const story = incident && (await desk.story(incident.id));
  const about = object === undefined ? "" : ` about ${object}`;
  const told = story ? storyLines(story) : [`There has been no incident${about}.`];
  return good([...firstOf(problems.map(lineOf)), ...told].join("\n"), ["status"]);
}

export async function show(id: number, desk: Desk): Promise<Answer> {
  const story = await desk.story(id);
  if (!story) return bad(`There is no incident ${id}.`, ["incidents"]);
  return good(storyLines(story).join("\n"), ["incidents", "status"]);
}

export async function incidents(desk: Desk): Promise<Answer> {
  const newest = await desk.incidents(INCIDENTS_SHOWN, false);
  if (newest.length === 0) return good("There has been no incident.", ["status"]);
  const lines = ["The newest incidents, times in UTC:", ...newest.map(timedLine)];
  return good(lines.join("\n"), newest.slice(0, 3).map(showing));
}

export async function audit(desk: Desk): Promise<Answer> {
  const newest = await newestAudit(desk, AUDIT_SHOWN);
  if (newest.length === 0) return good("Nobody has changed anything.", ["status"]);
  const lines = newest.map(
    ({ seq, timeUnixNano, who, what }) =>
      `  ${seq}  ${timeText(timeUnixNano)}  ${oneLine(who)}: ${oneLine(what)}`,
  );
  return good(["Who changed what, times in UTC:", ...lines].join("\n"), ["incidents"]);
}

/** @param channel whose steps are told; undefined: all that were deployed. */
export async function deployments(
  channel: string | undefined,
  desk: Desk,
  nowUnixNano: bigint,
): Promise<Answer> {
  if (channel !== undefined) {
    const view = await desk.deployment(channel);
    if (!view) return bad(`No channel ${channel} was deployed.`, ["deployments"]);
    const steps = view.steps.map((step) => `  ${stepLine(step, nowUnixNano)}`);
    return good([summaryLine(view), ...steps].join("\n"), ["deployments", "status"]);
  }
  const all = await desk.deployments();
  if (all.length === 0)
    return good("No channel was deployed. On the command line: npm run opsbot -- deploy FILE", [
      "status",
    ]);
  const lines = all.map((view) => `  ${summaryLine(view)}`);
  return good(["Deployed channels:", ...firstOf(lines)].join("\n"), [
    `deployments ${all[0]!.channel}`,
    "status",
  ]);
}

/** @param word with which the commands begin; undefined: all of them. */
export function help(word: string | undefined): Answer {
  const rows = COMMANDS.filter(
    ({ forms }) => word === undefined || forms.some((form) => firstWord(form) === word),
  );
  return good(rows.map(({ usage, help }) => `${usage} - ${help}`).join("\n"), ["status", "why"]);
}

const showing = ({ id }: IncidentRow) => `show incident ${id}`;

function incidentLine({ id, title, phase }: IncidentRow): string {
  return `  ${id}  ${oneLine(title)} (${phase})`;
}

function timedLine(row: IncidentRow): string {
  return `  ${timeText(row.openedUnixNano)}${incidentLine(row)}`;
}

function lineOf({ object, check, state, hard, output, suppressed }: Observation): string {
  const known = suppressed === undefined ? undefined : ` (${oneLine(suppressed)})`;
  const remark = known ?? (hard ? "" : " (not yet believed)");
  return `  ${oneLine(object)} ${check}: ${state.toUpperCase()}${remark} - ${oneLine(output)}`;
}

function storyLines({ incident, entries }: Story): string[] {
  const { id, title, phase } = incident;
  const lines = entries.map(
    ({ timeUnixNano, kind, text }) =>
      `  ${timeText(timeUnixNano)}  ${kind.padEnd(9)}  ${oneLine(text)}`,
  );
  return [`Incident ${id}: ${oneLine(title)} (${phase}), times in UTC:`, ...lastOf(lines)];
}

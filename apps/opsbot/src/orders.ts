/** What people order by chat: pauses, maintenance, agreement, the kill switch. */
import type { Answer } from "./chat-answer.ts";
import { good, isNoEdge } from "./chat-answer.ts";
import type { Command } from "./core/grammar.ts";
import { FOREVER_MS, timeOf } from "./core/guard.ts";
import type { Guard } from "./guard.ts";
import type { Journal } from "./stores/journal.ts";

/** So long a person's agreement counts. */
const APPROVAL_MS = 900_000;

export type OrderCommand = Extract<
  Command,
  { kind: "pause" | "resume" | "stop" | "continue" | "maintain" | "approve" }
>;

export interface OrderDeps {
  guard: Guard;
  journal: Journal;
  edges: readonly string[];
}

/** @param who for the journal. */
export function order(command: OrderCommand, who: string, deps: OrderDeps): Answer {
  const { guard, edges } = deps;
  switch (command.kind) {
    case "pause":
      guard.order("pause", "", who, command.forMs);
      return good(`Automation is paused${spanOf(command.forMs)}.`, ["resume automation", "status"]);
    case "resume":
      return good(guard.lift("pause", "") ? "Automation goes on." : "Automation was not paused.", [
        "status",
      ]);
    case "stop":
      guard.order("kill", "", who);
      return good("The kill switch is on: nothing is begun until you say continue.", ["continue"]);
    case "continue":
      return good(guard.lift("kill", "") ? "It goes on." : "The kill switch was not on.", [
        "status",
      ]);
    case "maintain":
      return edges.includes(command.edge)
        ? maintain(command, who, guard)
        : isNoEdge(command.edge, "maintain", edges);
    case "approve":
      return approve(command.incident, who, deps);
  }
}

function maintain(
  { edge, forMs }: Extract<Command, { kind: "maintain" }>,
  who: string,
  guard: Guard,
): Answer {
  if (forMs !== undefined) {
    guard.order("maintenance", edge, who, forMs);
    return good(`${edge} is left alone${spanOf(forMs)}.`, [`maintain ${edge} end`]);
  }
  const had = guard.lift("maintenance", edge);
  return good(had ? `${edge} is looked after again.` : `${edge} was not being worked on.`);
}

/** The action that an incident waits with is the one behind those that were begun. */
function approve(id: number, who: string, { guard, journal }: OrderDeps): Answer {
  const incident = journal.incident(id);
  if (!incident || incident.closedUnixNano !== 0n)
    return { text: `There is no open incident ${id}.`, ok: false, suggestions: ["status"] };
  guard.approve({ incidentId: id, action: incident.actions }, who, APPROVAL_MS);
  journal.note(id, "decided", `${who} agrees to the next action${spanOf(APPROVAL_MS)}`);
  return good(`Agreed: ${incident.title}.`, [`why ${incident.object}`]);
}

/** A line for each order that holds. */
export function ordersOf({ orders }: Guard): string[] {
  return orders.map(({ kind, target, untilMs, who }) => {
    const words = {
      kill: "Kill switch",
      pause: "Automation is paused",
      maintenance: "Maintenance",
    };
    const until = untilMs >= FOREVER_MS ? "" : ` until ${timeOf(untilMs)}`;
    return `${words[kind]}${target === "" ? "" : ` of ${target}`}${until}, by ${who}.`;
  });
}

function spanOf(forMs: number | undefined): string {
  return forMs === undefined
    ? " until you say resume automation"
    : ` for ${Math.round(forMs / 60_000) || 1} min`;
}

/** What OpsBot does next about an incident: a table of every phase and event. Pure: effects are done elsewhere. */

export type Phase = "open" | "acting" | "verifying" | "escalated" | "resolved";

export type Event =
  /** The check says that the problem is there. */
  | "problem"
  /** The check says that it is over. */
  | "recovery"
  /** The action has been done. */
  | "done"
  /** The action could not be done. */
  | "failed"
  /** It has been looked at long enough after the action. */
  | "timeout";

export type Decision =
  /** Do the runbook's next action; escalate when there is none left. */
  "act" | "verify" | "resolve" | "nothing";

/** A recovery while an action is under way waits for the action's end: what was begun is finished and written down. */
const DECISIONS: Readonly<Record<Phase, Readonly<Record<Event, Decision>>>> = {
  open: { problem: "act", recovery: "resolve", done: "nothing", failed: "nothing", timeout: "act" },
  acting: {
    problem: "nothing",
    recovery: "nothing",
    done: "verify",
    failed: "act",
    timeout: "nothing",
  },
  verifying: {
    problem: "nothing",
    recovery: "resolve",
    done: "nothing",
    failed: "nothing",
    timeout: "act",
  },
  escalated: {
    problem: "nothing",
    recovery: "resolve",
    done: "nothing",
    failed: "nothing",
    timeout: "nothing",
  },
  resolved: {
    problem: "nothing",
    recovery: "nothing",
    done: "nothing",
    failed: "nothing",
    timeout: "nothing",
  },
};

export function decide(phase: Phase, event: Event): Decision {
  return DECISIONS[phase][event];
}

/** What can be done. Each is the same when it is done twice. */
export type Action =
  /** Sets the edge's generation in the desired state. */
  | { kind: "restart"; edge: string }
  /** Waits for the node-agent, which starts an edge again by itself, then fetches its channels into it. */
  | { kind: "prime"; edge: string }
  | { kind: "flush"; edge: string };

export const ACTION_KINDS: readonly Action["kind"][] = ["restart", "prime", "flush"];

/** Viewers of the edge feel it. */
export function isDisruptive({ kind }: Action): boolean {
  return kind !== "prime";
}

/** The actions for a problem, in order; a problem that OpsBot cannot mend has none, and goes to people at once. */
export function runbookFor(check: string, object: string): readonly Action[] {
  switch (check) {
    case "health":
      return [
        { kind: "restart", edge: object },
        { kind: "restart", edge: object },
      ];
    case "process":
      return [
        { kind: "prime", edge: object },
        { kind: "prime", edge: object },
      ];
    case "hit-rate":
      return [{ kind: "prime", edge: object }];
    case "freshness":
      return [
        { kind: "flush", edge: object },
        { kind: "restart", edge: object },
      ];
    default:
      return [];
  }
}

export function describeAction({ kind, edge }: Action): string {
  const words = {
    restart: "start it anew",
    prime: "prime its cache",
    flush: "flush its cache",
  } as const;
  return `${edge}: ${words[kind]}`;
}

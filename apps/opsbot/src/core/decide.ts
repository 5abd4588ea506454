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

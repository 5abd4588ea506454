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
  | "timeout"
  /** So long, and it is no more than a warning by then. */
  | "eased";

export type Decision =
  /** act: do the runbook's next action; escalate when there is none left. rest: the action helped, and nothing is done until it is critical again. */
  "act" | "verify" | "resolve" | "rest" | "nothing";

/** A recovery while an action is under way waits for the action's end: what was begun is finished and written down. */
const DECISIONS: Readonly<Record<Phase, Readonly<Record<Event, Decision>>>> = {
  open: {
    problem: "act",
    recovery: "resolve",
    done: "nothing",
    failed: "nothing",
    timeout: "act",
    eased: "nothing",
  },
  acting: {
    problem: "nothing",
    recovery: "nothing",
    done: "verify",
    failed: "act",
    timeout: "nothing",
    eased: "nothing",
  },
  verifying: {
    problem: "nothing",
    recovery: "resolve",
    done: "nothing",
    failed: "nothing",
    timeout: "act",
    eased: "rest",
  },
  escalated: {
    problem: "nothing",
    recovery: "resolve",
    done: "nothing",
    failed: "nothing",
    timeout: "nothing",
    eased: "nothing",
  },
  resolved: {
    problem: "nothing",
    recovery: "nothing",
    done: "nothing",
    failed: "nothing",
    timeout: "nothing",
    eased: "nothing",
  },
};

export function decide(phase: Phase, event: Event): Decision {
  return DECISIONS[phase][event];
}

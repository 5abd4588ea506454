/** Who may ask for what, by whichever way they come. Pure. */
import type { PeerName, Role } from "@glassline/service/identity";

import type { AccessRole, Caller, Change } from "../desk.ts";

/** Each may do what those before it may. */
export const ACCESS_ROLES = [
  "viewer",
  "operator",
  "admin",
] as const satisfies readonly AccessRole[];

/** What is asked of those who come without a certificate. */
export interface Need {
  role: AccessRole;
  /** It tells, and changes nothing: where only this machine can ask, no token is needed. */
  isRead: boolean;
}

export const READ: Need = { role: "viewer", isRead: true };
/** Who is let in is known, and each thing that is said is looked at by itself. */
export const TALK: Need = { role: "viewer", isRead: false };
export const CHANGE: Need = { role: "operator", isRead: false };

/** Whether a role may do what another one may. */
export function mayAs(role: AccessRole, needed: AccessRole): boolean {
  return ACCESS_ROLES.indexOf(role) >= ACCESS_ROLES.indexOf(needed);
}

/** A word as a role; undefined: there is no such one. */
export function roleNamed(word: string): AccessRole | undefined {
  return ACCESS_ROLES.find((role) => role === word);
}

/** Processes of the network that ask for something; others do not. */
export const PEERS = ["operator", "dashboard", "monitor"] as const satisfies readonly Role[];

/**
 * Who such a process is, by its certificate.
 * @param mayChange what a dashboard says of the session that asks; of no other it counts. Such a session is that of the machine's owner.
 */
export function callerOfPeer({ role, instance }: PeerName, mayChange: boolean): Caller {
  const who = `${role} ${instance}`;
  const isOwner = role === "operator" || (role === "dashboard" && mayChange);
  return { who, role: isOwner ? "admin" : "viewer" };
}

/** Who has shown a token. */
export function callerOfToken({ name, role }: { name: string; role: AccessRole }): Caller {
  return { who: `${name} (${role} token)`, role };
}

/** What is asked for, and what comes of it, depends on who it is. */
const TALKS: ReadonlySet<string> = new Set(["chat", "plan"]);

/** What of a service is needed by address: what has no side effects is read. */
export function needsOf(
  methods: readonly { path: string; name: string; hasEffects: boolean }[],
): ReadonlyMap<string, Need> {
  return new Map(
    methods.map(({ path, name, hasEffects }) => [
      path,
      TALKS.has(name) ? TALK : hasEffects ? CHANGE : READ,
    ]),
  );
}

/** Of the kill switch: whoever may change something may stop everything. */
export const STOP_ROLE: AccessRole = "operator";

const FOR_ADMINS: ReadonlySet<string> = new Set(["approve", "continue", "forget-machine"]);

export function roleFor(change: Change): AccessRole {
  const kind = change.kind === "act" ? change.action.kind : change.kind;
  return FOR_ADMINS.has(kind) ? "admin" : "operator";
}

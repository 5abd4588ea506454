/** Where people and programs ask OpsBot, whichever way they come: chat, API or MCP. What changes something is planned before it is done. */
import type { Action } from "./core/action.ts";
import type { Observation } from "./observers/observer.ts";
import type { Order } from "./stores/guard-records.ts";
import type { AuditRow } from "./stores/audit.ts";
import type { Deployment, StepRow } from "./stores/deployments.ts";
import type { EntryRow, IncidentRow, ListedIncident } from "./stores/incidents.ts";

/** Each may do what those before it may. */
export type AccessRole = "viewer" | "operator" | "admin";

export interface Caller {
  /** For the journal: "operator local". */
  who: string;
  role: AccessRole;
}

/** What can be asked for. */
export type Change =
  | { kind: "act"; action: Action }
  /** Without an end when no time is given. */
  | { kind: "pause"; forMs: number | undefined }
  | { kind: "resume" }
  /** Undefined: it is over. */
  | { kind: "maintain"; target: string; forMs: number | undefined }
  /** A link by which one device gets its profile; as long as the channel has it when no time is given. */
  | { kind: "invite"; channel: string; device: string; forMs: number | undefined }
  /** Of an incident's next action. Admins only. */
  | { kind: "approve"; incident: number }
  /** Ends the kill switch. Admins only. */
  | { kind: "continue" }
  /** The last action that somebody asked for, or that of an incident. */
  | { kind: "undo"; incident: number | undefined };

export interface Plan {
  /** Of the change and of what it stands on: 64 hexadecimal digits. */
  hash: string;
  change: Change;
  /** "I will flush edge-1's cache (1 of 12 edges)." */
  says: string;
  /** Unix milliseconds. */
  untilMs: number;
}

/** @property because a word for metrics: "unknown_target", "budget", "role", "no_such_plan", "changed". */
export interface Refusal {
  refused: string;
  because: string;
}

export interface Outcome {
  ok: boolean;
  /** For people. */
  says: string;
  incidentId: number | undefined;
}

/** Names of what there is, by what it is. */
export interface Inventory {
  edges: readonly string[];
  channels: readonly string[];
  /** "node-1/node-2" */
  links: readonly string[];
  collectors: readonly string[];
  overlays: readonly string[];
  /** Channels that were deployed. */
  deployments: readonly string[];
  machines: readonly string[];
  /** That may be deployed by their name. */
  descriptions: readonly string[];
}

export interface Story {
  incident: IncidentRow;
  entries: readonly EntryRow[];
}

/** A channel that was deployed, for people. */
export interface DeploymentView extends Pick<
  Deployment,
  | "channel"
  | "tenant"
  | "phase"
  | "revision"
  | "sinceUnixNano"
  | "problem"
  | "description"
  | "incident"
  | "report"
> {
  /** None in lists. */
  steps: readonly StepRow[];
  /** 0: it has no overlay. */
  vni: number;
  subnets: readonly string[];
  edges: readonly DeployedEdge[];
}

export interface DeployedEdge {
  name: string;
  machine: string;
  role: "edge" | "shield";
  publicUrl: string;
  isReady: boolean;
}

export interface Desk {
  inventory(): Inventory;
  observations(): readonly Observation[];
  /** Why nothing can be done at present; empty when all is well. */
  impediment(): string;
  orders(): Promise<readonly Order[]>;
  /** Newest first. */
  incidents(limit: number, openOnly: boolean): Promise<readonly ListedIncident[]>;
  countOpen(): Promise<number>;
  story(incident: number): Promise<Story | undefined>;
  deployments(): Promise<readonly DeploymentView[]>;
  deployment(channel: string): Promise<DeploymentView | undefined>;
  audit(afterSeq: number, limit: number): Promise<readonly AuditRow[]>;
  /** What would be done, for people to agree to; nothing is changed. */
  plan(change: Change, caller: Caller): Promise<Plan | Refusal>;
  /** Does what was planned, if what it stands on is still so. */
  apply(hash: string, caller: Caller): Promise<Outcome | Refusal>;
  /** The kill switch: at once, without a plan. */
  stop(caller: Caller): Promise<void>;
}

/**
 * Hosts and services as Icinga shows them, read from JSON that nobody vouches for. Pure.
 * Source: https://icinga.com/docs/icinga-2/latest/doc/09-object-types/#runtime-attributes
 */
import type { State } from "./check-state.ts";
import type { Json } from "./json-values.ts";
import { count, flag, isRecord, record, refuse, text, time, word } from "./json-values.ts";
import type { Measured } from "./performance-data.ts";
import { firstMeasured } from "./performance-data.ts";

/** What is asked for: everything that readObject reads, but the result. */
export const ATTRIBUTES = [
  "__name",
  "type",
  "vars",
  "state",
  "state_type",
  "check_attempt",
  "max_check_attempts",
  "last_check",
  "last_state_change",
  "last_hard_state_change",
  "downtime_depth",
  "acknowledgement",
  "acknowledgement_last_change",
  "enable_flapping",
  "flapping",
  "last_reachable",
] as const;
/** May be as large as a plugin's output. */
export const RESULT_ATTRIBUTE = "last_check_result";
/** Of a service's host. */
export const HOST_ATTRIBUTES = ["state", "state_type", "downtime_depth", "last_reachable"] as const;

export const OUTPUT_MAX_CHARS = 1_000;

export interface IcingaObject {
  /** "edge-1", or "edge-1!health". */
  name: string;
  type: "Host" | "Service";
  /** Of Glassline, as the custom variables say: "edge-1". */
  object: string;
  check: string;
  state: State;
  hard: boolean;
  attempt: number;
  maxAttempts: number;
  stateSinceUnixNano: bigint;
  hardStateSinceUnixNano: bigint;
  /** When the result that is shown was complete; 0: never. It is asked for without the result, and never goes back while Icinga lives. */
  checkedUnixNano: bigint;
  /** The first line, bounded. */
  output: string;
  measured: Measured | undefined;
  pending: boolean;
  inDowntime: boolean;
  acknowledged: boolean;
  acknowledgedUnixNano: bigint;
  flapping: boolean;
  /** Why it cannot be judged by itself: something that it depends on is down. Undefined when it can. */
  unreachable: string | undefined;
  /** The machine that it is on is being worked at. */
  hostInDowntime: boolean;
}

/** One entry of `results` of /v1/objects/hosts or services. Throws MalformedJson. */
export function readObject(entry: unknown): IcingaObject {
  const { attrs, type, joins } = record(entry, "an entry of results");
  const all = record(attrs, "attrs");
  const name = text(all, "__name");
  const kind =
    type === "Host" || type === "Service" ? type : refuse("type", type, "Host or Service");
  const host =
    kind === "Service" ? record(record(joins, "joins")["host"], `${name}: its host`) : all;
  const checkedUnixNano = time(all, "last_check");
  return {
    name,
    type: kind,
    ...wordsOf(record(all["vars"], `${name}: vars`)),
    ...stateOf(all, kind),
    ...resultOf(all[RESULT_ATTRIBUTE]),
    checkedUnixNano,
    pending: checkedUnixNano === 0n,
    inDowntime: count(all, "downtime_depth") > 0,
    acknowledged: count(all, "acknowledgement") > 0,
    acknowledgedUnixNano: time(all, "acknowledgement_last_change"),
    // It is reckoned also where it is turned off, and means nothing there.
    flapping: flag(all, "enable_flapping") && flag(all, "flapping"),
    unreachable: unreachable(all, kind, host),
    hostInDowntime: kind === "Service" && count(host, "downtime_depth") > 0,
  };
}

function wordsOf(vars: Json): Pick<IcingaObject, "object" | "check"> {
  return { object: word(vars, "glassline_object"), check: word(vars, "glassline_check") };
}

const SERVICE_STATES = ["ok", "warning", "critical", "unknown"] as const;
const HOST_STATES = ["ok", "critical"] as const;

function stateOf(all: Json, type: IcingaObject["type"]) {
  const states: readonly State[] = type === "Host" ? HOST_STATES : SERVICE_STATES;
  const state =
    states[count(all, "state")] ?? refuse("state", all["state"], `a state of a ${type}`);
  return {
    state,
    hard: count(all, "state_type") === 1 || state === "ok",
    attempt: count(all, "check_attempt"),
    maxAttempts: count(all, "max_check_attempts"),
    stateSinceUnixNano: time(all, "last_state_change"),
    hardStateSinceUnixNano: time(all, "last_hard_state_change"),
  };
}

/** The result is left out where results are too large to be asked for. */
function resultOf(result: unknown): Pick<IcingaObject, "output" | "measured"> {
  if (!isRecord(result)) return { output: "", measured: undefined };
  const { output, performance_data: data } = result;
  return {
    output: typeof output === "string" ? firstLine(output) : "",
    measured: firstMeasured(data),
  };
}

/** The lines after the first are for those who look in Icinga; what a terminal would obey is left out. */
function firstLine(output: string): string {
  const [line = ""] = output
    .slice(0, OUTPUT_MAX_CHARS + 1)
    .trimStart()
    .split(/[\r\n]/, 1);
  const shown = line.replaceAll(/\p{Cc}/gu, " ").trim();
  return shown.length > OUTPUT_MAX_CHARS ? `${shown.slice(0, OUTPUT_MAX_CHARS)}…` : shown;
}

/**
 * `last_reachable` is of the last result, which says nothing when it is false. A host that is down makes its services unreachable at once.
 * Source: https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/#dependencies
 */
function unreachable(all: Json, type: IcingaObject["type"], host: Json): string | undefined {
  const isDown = type === "Service" && count(host, "state") > 0 && count(host, "state_type") === 1;
  if (isDown) return "unreachable: its host is down";
  if (flag(all, "last_reachable") && flag(host, "last_reachable")) return undefined;
  return "unreachable: what it depends on was down when it was last checked";
}

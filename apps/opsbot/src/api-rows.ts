/** What OpsBot tells, as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type {
  AuditLineSchema,
  CheckSchema,
  EntrySchema,
  IncidentSchema,
  OrderSchema,
} from "@glassline/proto/opsbot";
import {
  CheckState as WireState,
  EntryKind as WireEntry,
  IncidentPhase as WirePhase,
  OrderKind as WireOrder,
} from "@glassline/proto/opsbot";

import type { State } from "./core/check-state.ts";
import type { Phase } from "./core/decide.ts";
import { FOREVER_MS } from "./core/guard.ts";
import type { Observation } from "./observers/observer.ts";
import type { AuditRow } from "./stores/audit.ts";
import type { Order, OrderKind } from "./stores/guard-records.ts";
import type { EntryKind, EntryRow, IncidentRow } from "./stores/incidents.ts";

export const MS_NANO = 1_000_000n;

export const STATES: Readonly<Record<State, WireState>> = {
  ok: WireState.OK,
  warning: WireState.WARNING,
  critical: WireState.CRITICAL,
  unknown: WireState.UNKNOWN,
};

export const PHASES: Readonly<Record<Phase, WirePhase>> = {
  open: WirePhase.OPEN,
  acting: WirePhase.ACTING,
  verifying: WirePhase.VERIFYING,
  escalated: WirePhase.ESCALATED,
  resolved: WirePhase.RESOLVED,
};

export const ENTRIES: Readonly<Record<EntryKind, WireEntry>> = {
  seen: WireEntry.SEEN,
  decided: WireEntry.DECIDED,
  intent: WireEntry.INTENT,
  done: WireEntry.DONE,
  failed: WireEntry.FAILED,
  verified: WireEntry.VERIFIED,
  escalated: WireEntry.ESCALATED,
  closed: WireEntry.CLOSED,
};

export const ORDERS: Readonly<Record<OrderKind, WireOrder>> = {
  kill: WireOrder.KILL,
  pause: WireOrder.PAUSE,
  maintenance: WireOrder.MAINTENANCE,
};

export function checkMessage({
  state,
  unit,
  value,
  warning,
  critical,
  suppressed,
  ...rest
}: Observation): MessageInitShape<typeof CheckSchema> {
  return {
    ...rest,
    state: STATES[state],
    unit: unit ?? "",
    suppressed: suppressed ?? "",
    ...(value !== undefined && { value }),
    ...(warning !== undefined && { warning }),
    ...(critical !== undefined && { critical }),
  };
}

/** @param summary the last line of its story. */
export function incidentMessage(
  row: IncidentRow,
  summary: string,
): MessageInitShape<typeof IncidentSchema> {
  const { id, object, check, title, phase, actions, openedUnixNano, closedUnixNano } = row;
  return {
    id: BigInt(id),
    object,
    check,
    title,
    phase: PHASES[phase],
    openedUnixNano,
    closedUnixNano,
    summary,
    actions,
  };
}

export function entryMessage({ kind, ...rest }: EntryRow): MessageInitShape<typeof EntrySchema> {
  return { ...rest, kind: ENTRIES[kind] };
}

export function auditMessage({ seq, ...rest }: AuditRow): MessageInitShape<typeof AuditLineSchema> {
  return { ...rest, seq: BigInt(seq) };
}

export function orderMessage({
  kind,
  target,
  untilMs,
  who,
}: Order): MessageInitShape<typeof OrderSchema> {
  const untilUnixNano = untilMs >= FOREVER_MS ? 0n : BigInt(Math.round(untilMs)) * MS_NANO;
  return { kind: ORDERS[kind], target, untilUnixNano, who };
}

/** The word of a number in the contract. Throws RpcError for one that only newer programs know. */
export function wordOf<W extends string>(words: Readonly<Record<W, number>>, number: number): W {
  const word = (Object.keys(words) as W[]).find((each) => words[each] === number);
  if (word !== undefined) return word;
  const expected = Object.values(words).join(", ");
  throw new RpcError("unimplemented", `got ${number}, expected one of ${expected}`);
}

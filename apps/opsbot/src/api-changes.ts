/** What can be asked for, as messages and back. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type { Act, Change as ChangeMessage, ChangeSchema } from "@glassline/proto/opsbot";
import { ActionKind as WireKind } from "@glassline/proto/opsbot";

import type { Action, ActionKind } from "./core/action.ts";
import type { Change } from "./desk.ts";

const KINDS: Readonly<Record<ActionKind, WireKind>> = {
  flush: WireKind.FLUSH,
  prime: WireKind.PRIME,
  restart: WireKind.RESTART,
  "re-route": WireKind.RE_ROUTE,
  restore: WireKind.RESTORE,
  drain: WireKind.DRAIN,
  "fail-over": WireKind.FAIL_OVER,
  "restart-link": WireKind.RESTART_LINK,
  "rotate-keys": WireKind.ROTATE_KEYS,
  "restart-collector": WireKind.RESTART_COLLECTOR,
  "open-segment": WireKind.OPEN_SEGMENT,
};

export function changeMessage(change: Change): MessageInitShape<typeof ChangeSchema> {
  switch (change.kind) {
    case "act":
      return { change: { case: "act", value: actMessage(change.action) } };
    case "pause":
      return { change: { case: "pause", value: { forMs: wireMs(change.forMs) } } };
    case "resume":
      return { change: { case: "resume", value: {} } };
    case "maintain":
      return {
        change: {
          case: "maintain",
          value: { target: change.target, forMs: wireMs(change.forMs) },
        },
      };
    case "approve":
      return { change: { case: "approve", value: { incident: BigInt(change.incident) } } };
    case "continue":
      return { change: { case: "continue", value: {} } };
    case "undo":
      return { change: { case: "undo", value: { incident: BigInt(change.incident ?? 0) } } };
  }
}

function actMessage(action: Action) {
  return {
    kind: KINDS[action.kind],
    target: action.target,
    ...("prefix" in action && { prefix: action.prefix }),
    ...("channel" in action && { channel: action.channel }),
  };
}

/** Throws RpcError. */
export function changeOf(message: ChangeMessage | undefined): Change {
  const change = message?.change;
  switch (change?.case) {
    case "act":
      return { kind: "act", action: actionOf(change.value) };
    case "pause":
      return { kind: "pause", forMs: msOf(change.value.forMs) };
    case "maintain": {
      const { target, forMs } = change.value;
      return { kind: "maintain", target, forMs: msOf(forMs) };
    }
    case "approve":
      return { kind: "approve", incident: numberOf(change.value.incident, "incident") };
    case "undo": {
      const { incident } = change.value;
      return {
        kind: "undo",
        incident: incident === 0n ? undefined : numberOf(incident, "incident"),
      };
    }
    case "resume":
    case "continue":
      return { kind: change.case };
    case "deploy":
    case "destroy":
    case "invite":
    case "revokeDevice":
      throw new RpcError("unimplemented", "deployments cannot be asked for yet");
    case undefined:
      throw new RpcError("invalid_argument", "change: got none, expected one of its kinds");
  }
}

function actionOf({ kind: wireKind, target, prefix, channel }: Act): Action {
  const kinds = Object.keys(KINDS) as ActionKind[];
  const kind = kinds.find((each) => KINDS[each] === wireKind);
  if (kind === undefined)
    throw new RpcError("invalid_argument", `act.kind: got ${wireKind}, expected a kind of action`);
  if (prefix !== undefined && kind !== "flush")
    throw new RpcError("invalid_argument", `act.prefix: got one with ${kind}, expected flush`);
  if (channel !== undefined && kind !== "prime")
    throw new RpcError("invalid_argument", `act.channel: got one with ${kind}, expected prime`);
  return {
    kind,
    target,
    ...(prefix !== undefined && { prefix }),
    ...(channel !== undefined && { channel }),
  };
}

const wireMs = (forMs: number | undefined) => BigInt(forMs ?? 0);

const msOf = (forMs: bigint) => (forMs === 0n ? undefined : numberOf(forMs, "for_ms"));

function numberOf(value: bigint, name: string): number {
  if (value <= Number.MAX_SAFE_INTEGER) return Number(value);
  throw new RpcError(
    "invalid_argument",
    `${name}: got ${value}, expected at most ${Number.MAX_SAFE_INTEGER}`,
  );
}

/** What can be asked for, as messages and back. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type { Act, Deploy, Change as ChangeMessage, ChangeSchema } from "@glassline/proto/opsbot";
import { ActionKind as WireKind } from "@glassline/proto/opsbot";

import type { Action, ActionKind } from "./core/action.ts";
import { DescriptionError, readDescription } from "./core/deployment/read-description.ts";
import type { Change } from "./desk.ts";

/** Of actions that are no kind of their own in the contract. */
type ChannelKind = "deploy" | "destroy" | "revoke-device";
type ActKind = Exclude<ActionKind, ChannelKind>;

const KINDS: Readonly<Record<ActKind, WireKind>> = {
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
  evacuate: WireKind.EVACUATE,
  "forget-machine": WireKind.FORGET_MACHINE,
};

export function changeMessage(change: Change): MessageInitShape<typeof ChangeSchema> {
  switch (change.kind) {
    case "act":
      return { change: actionMessage(change.action) };
    case "invite": {
      const { channel, device, forMs } = change;
      return { change: { case: "invite", value: { channel, device, forMs: wireMs(forMs) } } };
    }
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

type Message = NonNullable<MessageInitShape<typeof ChangeSchema>["change"]>;

function actionMessage(action: Action): Message {
  switch (action.kind) {
    case "deploy":
      return {
        case: "deploy",
        value: { channel: action.target, description: action.description ?? "" },
      };
    case "destroy":
      return { case: "destroy", value: { channel: action.target } };
    case "revoke-device":
      return {
        case: "revokeDevice",
        value: { channel: action.target, device: action.device },
      };
    default:
      return { case: "act", value: actMessage(action) };
  }
}

function actMessage(action: Extract<Action, { kind: ActKind }>) {
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
      return { kind: "act", action: deployOf(change.value) };
    case "destroy":
      return { kind: "act", action: { kind: "destroy", target: change.value.channel } };
    case "invite": {
      const { channel, device, forMs } = change.value;
      return { kind: "invite", channel, device, forMs: msOf(forMs) };
    }
    case "revokeDevice": {
      const { channel: target, device } = change.value;
      return { kind: "act", action: { kind: "revoke-device", target, device } };
    }
    case undefined:
      throw new RpcError("invalid_argument", "change: got none, expected one of its kinds");
  }
}

/** The channel that the description names is the target. */
function deployOf({ channel, description }: Deploy): Action {
  if (description === "") return { kind: "deploy", target: channel };
  const named = described(description);
  if (channel !== "" && channel !== named)
    throw new RpcError(
      "invalid_argument",
      `deploy.channel: got ${channel}, expected ${named}, as the description has it`,
    );
  return { kind: "deploy", target: named, description };
}

function described(description: string): string {
  try {
    return readDescription(description).channel;
  } catch (error) {
    if (error instanceof DescriptionError)
      throw new RpcError("invalid_argument", `channel.yaml:\n${error.message}`);
    throw error;
  }
}

function actionOf({ kind: wireKind, target, prefix, channel }: Act): Action {
  const kinds = Object.keys(KINDS) as ActKind[];
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

/** What control planes say to each other, as frames of a link. */
import type { Frame } from "@glassline/proto/mesh";

import type { ControlMessage } from "./core/control-plane.ts";
import { DESTINATIONS_MAX } from "./core/routing/routing.ts";
import type { FrameInit } from "./links/link.ts";

type FrameCase = NonNullable<FrameInit["frame"]>;

export function controlFrame(message: ControlMessage): FrameCase {
  switch (message.type) {
    case "hello": {
      const { seq, echoSeq, echoDelayUs, isUrgent, keysLastS, padsLastS } = message;
      const value = {
        seq: BigInt(seq),
        echoSeq: BigInt(echoSeq),
        echoDelayUs,
        isUrgent,
        ...(keysLastS !== Infinity && { keysLastS: Math.floor(keysLastS) }),
        ...(padsLastS !== Infinity && { padsLastS: Math.floor(padsLastS) }),
      };
      return { case: "hello", value };
    }
    case "suspicion": {
      const { node, from, hopLimit } = message;
      return { case: "suspicion", value: { node, from, hopLimit } };
    }
    case "voucher":
      return { case: "voucher", value: { node: message.node, to: message.to } };
    case "request": {
      const { origin, seqno, hopLimit } = message;
      return { case: "seqnoRequest", value: { origin, seqno, hopLimit } };
    }
    case "update": {
      const routes = message.routes.map(({ services, ...route }) => ({
        ...route,
        services: [...services],
      }));
      return { case: "routeUpdate", value: { isFull: message.isFull, routes } };
    }
  }
}

/** Undefined: the frame is about something else. */
export function controlMessageOf(frame: Frame["frame"]): ControlMessage | undefined {
  switch (frame.case) {
    case "hello": {
      const { seq, echoSeq, echoDelayUs, isUrgent } = frame.value;
      const { keysLastS = Infinity, padsLastS = Infinity } = frame.value;
      const numbers = { seq: Number(seq), echoSeq: Number(echoSeq), echoDelayUs };
      return { type: "hello", ...numbers, isUrgent, keysLastS, padsLastS };
    }
    case "suspicion": {
      const { node, from, hopLimit } = frame.value;
      return { type: "suspicion", node, from, hopLimit };
    }
    case "voucher":
      return { type: "voucher", node: frame.value.node, to: frame.value.to };
    case "seqnoRequest": {
      const { origin, seqno, hopLimit } = frame.value;
      return { type: "request", origin, seqno, hopLimit };
    }
    case "routeUpdate": {
      const { isFull, routes } = frame.value;
      return { type: "update", isFull, routes: routes.slice(0, DESTINATIONS_MAX + 1) };
    }
    default:
      return undefined;
  }
}

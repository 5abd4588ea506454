/** What the routing cores say to each other, as frames of a link. */
import type { Frame } from "@glassline/proto/mesh";

import { DESTINATIONS_MAX } from "./core/routing/routing.ts";
import type { RoutingEvent, RoutingMessage } from "./core/routing/routing.ts";
import type { FrameInit } from "./links/link.ts";

type FrameCase = NonNullable<FrameInit["frame"]>;

export function routingFrame(message: RoutingMessage): FrameCase {
  if (message.type === "request") {
    const { origin, seqno, hopLimit } = message;
    return { case: "seqnoRequest", value: { origin, seqno, hopLimit } };
  }
  const { isFull } = message;
  const routes = message.routes.map(({ services, ...route }) => ({
    ...route,
    services: [...services],
  }));
  return { case: "routeUpdate", value: { isFull, routes } };
}

/** Undefined: the frame is about something else. */
export function routingEventOf(neighbour: string, frame: Frame["frame"]): RoutingEvent | undefined {
  if (frame.case === "seqnoRequest") {
    const { origin, seqno, hopLimit } = frame.value;
    return { type: "request", neighbour, origin, seqno, hopLimit };
  }
  if (frame.case !== "routeUpdate") return undefined;
  const { isFull, routes } = frame.value;
  return { type: "update", neighbour, isFull, routes: routes.slice(0, DESTINATIONS_MAX + 1) };
}

/** Links without sockets: frames arrive in order, in a later turn of the event loop. */
import { create } from "@bufbuild/protobuf";
import { FrameSchema } from "@glassline/proto/mesh";

import type { Link, LinkEvents } from "./link.ts";

export const QUEUE_MAX_FRAMES = 1_024;

interface End {
  name: string;
  events: LinkEvents;
  incarnation?: bigint;
}

/** Links two nodes; closing either end takes both down. */
export function linkInMemory(a: End, b: End): [Link, Link] {
  let open = true;
  const close = (reason: string) => {
    if (!open) return;
    open = false;
    a.events.down(fromA, reason);
    b.events.down(fromB, reason);
  };
  const end = (other: End, deliver: () => [LinkEvents, Link]): Link => {
    let waiting = 0;
    return {
      neighbour: other.name,
      incarnation: other.incarnation ?? 1n,
      transport: "grpc",
      keyExchange: "",
      keySource: "tls",
      send: (frame) => {
        if (!open || waiting >= QUEUE_MAX_FRAMES) return false;
        waiting++;
        setImmediate(() => {
          waiting--;
          const [events, link] = deliver();
          if (open) events.frame(link, create(FrameSchema, frame));
        });
        return true;
      },
      close,
    };
  };
  const fromA: Link = end(b, () => [b.events, fromB]);
  const fromB: Link = end(a, () => [a.events, fromA]);
  a.events.up(fromA);
  b.events.up(fromB);
  return [fromA, fromB];
}

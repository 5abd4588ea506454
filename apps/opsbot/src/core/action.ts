/** What OpsBot can do. Each action is the same when it is done twice. Pure. */

export type Action =
  /** Forgets what an edge holds: all of it, or what begins with a prefix ("/live/cam-0001/"). */
  | { kind: "flush"; target: string; prefix?: string }
  /** Fetches into an edge: all channels, or one. */
  | { kind: "prime"; target: string; channel?: string }
  /** Sets the edge's generation in the desired state. */
  | { kind: "restart"; target: string }
  /** An edge's viewers are steered to the others; "restore" takes that back, "drain" waits until they have gone. */
  | { kind: "re-route"; target: string }
  | { kind: "restore"; target: string }
  | { kind: "drain"; target: string }
  /** Drains an edge and runs it on another machine: on the one that is named, or the next one that there is. */
  | { kind: "fail-over"; target: string; machine?: string; from?: string }
  /** A link of the mesh: "node-1/node-2"; of "node-1" alone, those that are down. */
  | { kind: "restart-link"; target: string }
  | { kind: "rotate-keys"; target: string }
  | { kind: "restart-collector"; target: string }
  /** Opens a new VXLAN segment for an overlay and moves its channels to it. */
  | { kind: "open-segment"; target: string };

export type ActionKind = Action["kind"];

/** For people, behind the target's name: "edge-1: flush its cache". */
export function describeAction(action: Action): string {
  return `${action.target}: ${wordsOf(action)}`;
}

function wordsOf(action: Action): string {
  switch (action.kind) {
    case "flush":
      return action.prefix === undefined
        ? "flush its cache"
        : `flush ${action.prefix} of its cache`;
    case "prime":
      return action.channel === undefined ? "prime its cache" : `prime ${action.channel}`;
    case "fail-over":
      return `run it on ${action.machine ?? "another machine"}`;
    default:
      return WORDS[action.kind];
  }
}

const WORDS = {
  restart: "start it anew",
  "re-route": "steer its viewers to the others",
  restore: "let viewers come back",
  drain: "steer its viewers away and wait until they have gone",
  "restart-link": "close the link and open it anew",
  "rotate-keys": "agree on new keys",
  "restart-collector": "drain it and start it anew",
  "open-segment": "open a new VXLAN segment and move to it",
} as const;

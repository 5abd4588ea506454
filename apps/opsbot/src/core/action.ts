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
  /** Drains an edge and runs it on another machine. */
  | { kind: "fail-over"; target: string }
  /** A link of the mesh: "node-1/node-2". */
  | { kind: "restart-link"; target: string }
  | { kind: "rotate-keys"; target: string }
  | { kind: "restart-collector"; target: string }
  /** Opens a new VXLAN segment for an overlay and moves its channels to it. */
  | { kind: "open-segment"; target: string };

export type ActionKind = Action["kind"];

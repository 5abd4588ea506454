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
  | { kind: "open-segment"; target: string }
  /** Brings a channel to what its description says, and takes it back when it falls short. Without a description: as it is wished already. */
  | { kind: "deploy"; target: string; description?: string }
  /** Nothing of a channel stays. */
  | { kind: "destroy"; target: string }
  /** What runs on a machine that is away is run on others. */
  | { kind: "evacuate"; target: string }
  /** A machine is gone for good: nothing waits for it any more. */
  | { kind: "forget-machine"; target: string }
  /** A device may not watch a channel any more. */
  | { kind: "revoke-device"; target: string; device: string };

export type ActionKind = Action["kind"];

/** For people: "flush edge-1's cache". */
export function describeAction(action: Action): string {
  const { target } = action;
  switch (action.kind) {
    case "flush":
      return action.prefix === undefined
        ? `flush ${target}'s cache`
        : `flush ${action.prefix} of ${target}'s cache`;
    case "prime":
      return action.channel === undefined
        ? `prime ${target}'s cache`
        : `prime ${action.channel} on ${target}`;
    case "restart":
      return `start ${target} anew`;
    case "re-route":
      return `steer ${target}'s viewers to other edges`;
    case "restore":
      return `let viewers come back to ${target}`;
    case "drain":
      return `steer ${target}'s viewers to other edges and wait until they have gone`;
    case "fail-over":
      return `run ${target} on ${action.machine ?? "another machine"}`;
    case "restart-link":
      return `close the link ${target} and open it anew`;
    case "rotate-keys":
      return `let both ends of the link ${target} agree on new keys`;
    case "restart-collector":
      return `drain ${target} and start it anew`;
    case "open-segment":
      return `open a new VXLAN segment for ${target} and move to it`;
    case "deploy":
      return `deploy ${target}`;
    case "destroy":
      return `take ${target} down, so that nothing of it stays`;
    case "evacuate":
      return `run what ${target} has on other machines`;
    case "forget-machine":
      return `take ${target} for gone for good and wait for nothing of it`;
    case "revoke-device":
      return `let device ${action.device} watch ${target} no more`;
  }
}

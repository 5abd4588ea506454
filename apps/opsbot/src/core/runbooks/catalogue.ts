/** All runbooks, and which of them answer a problem. Pure. */
import type { Action } from "../action.ts";
import { deployChannel } from "./deploy-channel.ts";
import { destroyChannel } from "./destroy-channel.ts";
import { drainEdge } from "./drain-edge.ts";
import { evacuateMachine } from "./evacuate-machine.ts";
import { failOverEdge } from "./fail-over-edge.ts";
import { flushCache } from "./flush-cache.ts";
import { forgetMachine } from "./forget-machine.ts";
import { openSegment } from "./open-segment.ts";
import { primeCache } from "./prime-cache.ts";
import { reRouteViewers } from "./re-route-viewers.ts";
import { restartCollector } from "./restart-collector.ts";
import { restartEdge } from "./restart-edge.ts";
import { restartLink } from "./restart-link.ts";
import { restoreViewers } from "./restore-viewers.ts";
import { revokeDevice } from "./revoke-device.ts";
import { rotateKeys } from "./rotate-keys.ts";
import type { Runbook, TargetKind } from "./runbook.ts";

export const RUNBOOKS: readonly Runbook[] = [
  flushCache,
  primeCache,
  restartEdge,
  reRouteViewers,
  restoreViewers,
  drainEdge,
  failOverEdge,
  restartLink,
  rotateKeys,
  restartCollector,
  openSegment,
  deployChannel,
  destroyChannel,
  evacuateMachine,
  forgetMachine,
  revokeDevice,
];

/** What is done about a problem of such an object, one after the other; what has none goes to people at once. */
export function answersTo(check: string, kind: TargetKind | undefined): readonly Runbook[] {
  const turnOf = ({ triggers }: Runbook) => triggers.find((each) => each.check === check)?.turn;
  return RUNBOOKS.filter((each) => each.targets === kind && turnOf(each) !== undefined)
    .toSorted((a, b) => turnOf(a)! - turnOf(b)!)
    .flatMap((runbook) => Array.from({ length: runbook.tries }, () => runbook));
}

/** That does what a person may ask for, too. */
export function runbookOf({ kind }: Pick<Action, "kind">): Runbook {
  const runbook = RUNBOOKS.find(({ does }) => does === kind);
  if (!runbook)
    throw new Error(`got the action ${JSON.stringify(kind)}, expected one of a runbook`);
  return runbook;
}

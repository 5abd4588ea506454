/**
 * What a monitoring system shows, against what has been told of it: level-triggered, so that what was missed is told by the next
 * look. Hints only make the next look come sooner. Pure.
 */
import type { Change, State } from "./check-state.ts";

/** What one look shows of one check. */
export interface Sight {
  /** Of the monitoring system: "edge-1!health". */
  name: string;
  object: string;
  check: string;
  state: State;
  hard: boolean;
  attempt: number;
  hardStateSinceUnixNano: bigint;
  checkedUnixNano: bigint;
  /** Why nothing may be done about it, for people. */
  suppressed: string | undefined;
}

interface Known<S extends Sight> {
  sight: S;
  /** It has been told that this problem is believed, and not that it is over. */
  believed: boolean;
  /** Nothing is left to do about what was told last; it is told again when it differs. */
  settled: boolean;
}

export interface Reconciliation<S extends Sight> {
  /** By name. */
  known: ReadonlyMap<string, Known<S>>;
  /** False: what is known is old, and nothing may be done about it. */
  current: boolean;
  looking: "no" | "yes" | "hinted again";
}

export interface Telling<S extends Sight> {
  sight: S;
  change: Change;
}

export type Input<S extends Sight> =
  /** Something may have happened. */
  | { kind: "hint" }
  /** It is time for a look. */
  | { kind: "due" }
  /** @param asked names that were asked for; "all": what is not among the sights is there no more. */
  | { kind: "looked"; sights: readonly S[]; asked: "all" | ReadonlySet<string> }
  | { kind: "lost" }
  /** Who was told of these sights has nothing left to do about them. */
  | { kind: "settled"; sights: readonly S[] };

export interface Step<S extends Sight> {
  next: Reconciliation<S>;
  /** Whether to look now. */
  look: boolean;
  tell: readonly Telling<S>[];
}

export function beginning<S extends Sight>(): Reconciliation<S> {
  return { known: new Map(), current: false, looking: "no" };
}

export function stepReconciliation<S extends Sight>(
  state: Reconciliation<S>,
  input: Input<S>,
): Step<S> {
  switch (input.kind) {
    case "hint":
    case "due":
      return wanted(state, input.kind);
    case "looked":
      return looked(state, input.sights, input.asked);
    case "lost":
      return afterLook({ ...state, current: false }, []);
    case "settled":
      return { next: settled(state, input.sights), look: false, tell: [] };
  }
}

/** What happens during a look may have been missed by it. Where nobody answers, a hint waits for the look that is due. */
function wanted<S extends Sight>(state: Reconciliation<S>, kind: "hint" | "due"): Step<S> {
  if (state.looking === "no" && kind === "hint" && !state.current)
    return { next: state, look: false, tell: [] };
  if (state.looking === "no") return { next: { ...state, looking: "yes" }, look: true, tell: [] };
  const looking = kind === "hint" ? "hinted again" : state.looking;
  return { next: { ...state, looking }, look: false, tell: [] };
}

function afterLook<S extends Sight>(
  state: Reconciliation<S>,
  tell: readonly Telling<S>[],
): Step<S> {
  const look = state.looking === "hinted again" && state.current;
  return { next: { ...state, looking: look ? "yes" : "no" }, look, tell };
}

function looked<S extends Sight>(
  { known: before, looking }: Reconciliation<S>,
  sights: readonly S[],
  asked: "all" | ReadonlySet<string>,
): Step<S> {
  const known = new Map(asked === "all" ? [] : before);
  if (asked !== "all") for (const name of asked) known.delete(name);
  const tell: Telling<S>[] = [];
  for (const seen of withoutRivals(sights, asked === "all" ? new Map() : known)) {
    const last = before.get(seen.name);
    const { sight, believed, change } = compared(seen, last);
    const isNew = !last || fingerprint(last.sight) !== fingerprint(sight);
    known.set(sight.name, { sight, believed, settled: !isNew && last.settled });
    if (isNew || !last.settled) tell.push({ sight, change: isNew ? change : "again" });
  }
  return afterLook({ known, current: true, looking }, tell);
}

/** What two looks must have in common for the second one to show nothing new. */
function fingerprint(sight: Sight): string {
  const { object, check, state, hard, attempt, suppressed } = sight;
  const times = [sight.hardStateSinceUnixNano, sight.checkedUnixNano];
  return [object, check, state, hard, attempt, suppressed ?? "", ...times].join("\n");
}

const OLDER = "its monitoring shows an older result than before";

/** @returns the sight as it is to be told: one that is older than what is known is no ground for anything. */
function compared<S extends Sight>(
  seen: S,
  last: Known<S> | undefined,
): { sight: S; believed: boolean; change: Change } {
  if (last && seen.checkedUnixNano < last.sight.checkedUnixNano) {
    const { checkedUnixNano } = last.sight;
    const sight = { ...seen, checkedUnixNano, suppressed: seen.suppressed ?? OLDER };
    return { sight, believed: last.believed, change: "none" };
  }
  const wasBelieved = last?.believed ?? false;
  const { state, hard } = seen;
  if (state === "ok")
    return { sight: seen, believed: false, change: wasBelieved ? "recovery" : "none" };
  if (!hard) {
    const isNew =
      last?.sight.attempt !== seen.attempt || last.sight.state !== state || last.sight.hard;
    return { sight: seen, believed: wasBelieved, change: isNew ? "soft-problem" : "none" };
  }
  const isSame =
    wasBelieved &&
    last?.sight.state === state &&
    last.sight.hardStateSinceUnixNano === seen.hardStateSinceUnixNano;
  return { sight: seen, believed: true, change: isSame ? "none" : "hard-problem" };
}

/** Where two of them say that they are the same check of the same object, neither is to be believed. */
function withoutRivals<S extends Sight>(
  sights: readonly S[],
  others: ReadonlyMap<string, Known<S>>,
): S[] {
  const names = new Map<string, Set<string>>();
  const all = [...sights, ...[...others.values()].map(({ sight }) => sight)];
  for (const { object, check, name } of all) {
    const key = `${object}!${check}`;
    names.set(key, (names.get(key) ?? new Set()).add(name));
  }
  return sights.map((sight) => {
    const rivals = names.get(`${sight.object}!${sight.check}`)!;
    if (rivals.size === 1) return sight;
    const suppressed = `ambiguous: ${[...rivals].toSorted().slice(0, 3).join(" and ")} are both ${sight.check} of ${sight.object}`;
    return { ...sight, suppressed };
  });
}

function settled<S extends Sight>(
  state: Reconciliation<S>,
  sights: readonly S[],
): Reconciliation<S> {
  const known = new Map(state.known);
  for (const sight of sights) {
    const found = known.get(sight.name);
    if (found && fingerprint(found.sight) === fingerprint(sight))
      known.set(sight.name, { ...found, settled: true });
  }
  return { ...state, known };
}

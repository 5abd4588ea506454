/**
 * Whether something may be done: one guard for every way in, be it an alert or a person. Pure: what has been done, what is wrong and what
 * people have ordered come in as facts.
 */

/** What somebody wants to be done. */
export interface Proposal {
  target: string;
  /** "restart", for people. */
  action: string;
  /** Why: a check's name, or "request". */
  runbook: string;
  /** Viewers feel it. */
  isDisruptive: boolean;
  /** A person who asks knows of pauses and storms, and takes what follows upon them. */
  by: "alert" | "person";
  /** Marked to be done only when a person agrees, and nobody has. */
  needsApproval: boolean;
}

/** Something that was begun, within the longest window. */
export interface Begun {
  target: string;
  domain: string;
  runbook: string;
  isDisruptive: boolean;
  beganMs: number;
  /** Or it is looked at whether it helped. */
  isUnderWay: boolean;
}

/** A target and those that fail together with it. */
export interface Place {
  domain: string;
  /** Of the domain. */
  targets: number;
  /** Deployed channel whose viewers it serves; undefined: it serves those of the others of the domain that have none. */
  channel: string | undefined;
  /** That serve the same viewers, with this one. */
  peers: ReadonlySet<string>;
  /** Of the peers, without this one. What is not known to be healthy is not. */
  healthyOthers: number;
  /** As far as is known: of which nothing is known yet may be. */
  isHealthy: boolean;
  /** Of the domain: targets with a problem that began within the storm's window, or since the beginning of the storm that lasts. */
  alerting: number;
}

export interface Facts {
  /** Unix milliseconds by a clock that does not go back. */
  nowMs: number;
  /** Undefined: nothing is called so. */
  place: Place | undefined;
  begun: readonly Begun[];
  /** How often this problem of this target has begun within the window of flapping. */
  problemsLately: number;
  /** When it ended last, before it came again. */
  endedMs: number | undefined;
  /** A storm that lasts holds until then, at least. */
  stormUntilMs: number;
  /** Nothing at all is begun. */
  isKilled: boolean;
  /** Automation rests until then, of all targets and of this one. */
  pausedUntilMs: number;
  maintenanceUntilMs: number;
}

export interface GuardLimits {
  /** Budgets hold for each window of this length. */
  budgetWindowMs: number;
  budgets: { target: number; runbook: number; domain: number; global: number };
  /** Within one window of this length viewers feel it on the larger of one target and this share of a domain, and of those that serve the same viewers. */
  disruptionWindowMs: number;
  disruptionShare: number;
  /** After the end of a problem, until it is acted upon again. */
  coolDownMs: number;
  flapping: { problems: number; windowMs: number };
  storm: { share: number; least: number; windowMs: number; holdMs: number };
}

export const GUARD_LIMITS: GuardLimits = {
  budgetWindowMs: 3_600_000,
  budgets: { target: 6, runbook: 20, domain: 20, global: 60 },
  disruptionWindowMs: 60_000,
  disruptionShare: 0.1,
  coolDownMs: 30_000,
  flapping: { problems: 5, windowMs: 600_000 },
  storm: { share: 0.3, least: 5, windowMs: 60_000, holdMs: 60_000 },
};

export type Because =
  | "unknown_target"
  | "kill_switch"
  | "paused"
  | "maintenance"
  | "storm"
  | "flapping"
  | "cool_down"
  | "approval"
  | "disruption"
  | "last_healthy"
  | "budget";

export type Verdict =
  /** @param says what will be done, and to how many: "flush edge-1, 1 of 12". */
  { may: true; says: string } | { may: false; because: Because; says: string };

/** Refusals that waiting does not end soon: a person is told. */
export const FOR_PEOPLE: ReadonlySet<Because> = new Set(["unknown_target", "flapping", "budget"]);

type Look = (proposal: Proposal, facts: Facts, limits: GuardLimits) => string | undefined;

/** In this order: what is said first is what a person can change first. */
const LOOKS: readonly (readonly [Because, Look])[] = [
  ["unknown_target", unknownTarget],
  ["kill_switch", killSwitch],
  ["paused", paused],
  ["maintenance", maintenance],
  ["storm", storm],
  ["flapping", flapping],
  ["cool_down", coolDown],
  ["approval", approval],
  ["disruption", disruption],
  ["last_healthy", lastHealthy],
  ["budget", budget],
];

export function judge(
  proposal: Proposal,
  facts: Facts,
  limits: GuardLimits = GUARD_LIMITS,
): Verdict {
  for (const [because, look] of LOOKS) {
    const says = look(proposal, facts, limits);
    if (says !== undefined) return { may: false, because, says };
  }
  const { action, target } = proposal;
  return { may: true, says: `${action} ${target}, 1 of ${facts.place!.targets}` };
}

/** So many of a domain's targets alert at once that it is one fault, and not theirs. */
export function isStorm(
  { targets, alerting }: Pick<Place, "targets" | "alerting">,
  { storm }: Pick<GuardLimits, "storm">,
): boolean {
  return alerting >= storm.least && alerting >= storm.share * targets;
}

function unknownTarget({ target }: Proposal, { place }: Facts): string | undefined {
  if (place) return undefined;
  return target === ""
    ? "target: got nothing, expected a name"
    : `target: got ${JSON.stringify(target)}, which nothing is called`;
}

function killSwitch(_proposal: Proposal, { isKilled }: Facts): string | undefined {
  return isKilled ? "the kill switch is on: nothing is begun" : undefined;
}

function paused({ by }: Proposal, { nowMs, pausedUntilMs }: Facts): string | undefined {
  if (by === "person" || nowMs >= pausedUntilMs) return undefined;
  return `automation is paused until ${timeOf(pausedUntilMs)}`;
}

function maintenance({ by, target }: Proposal, facts: Facts): string | undefined {
  const { nowMs, maintenanceUntilMs: untilMs } = facts;
  if (by === "person" || nowMs >= untilMs) return undefined;
  return `${target} is being worked on until ${timeOf(untilMs)}`;
}

function storm({ by }: Proposal, facts: Facts, limits: GuardLimits): string | undefined {
  const { place, nowMs, stormUntilMs } = facts;
  if (by === "person" || (nowMs >= stormUntilMs && !isStorm(place!, limits))) return undefined;
  const { alerting, targets, domain } = place!;
  if (!isStorm(place!, limits))
    return "many alerted at once until a moment ago, and a person has been called";
  return `${alerting} of ${targets} in ${domain} alert at once: that is one fault, and a person has been called`;
}

function flapping(
  { by, target }: Proposal,
  { problemsLately }: Facts,
  { flapping: { problems, windowMs } }: GuardLimits,
): string | undefined {
  if (by === "person" || problemsLately < problems) return undefined;
  return `${target} comes and goes: ${problemsLately} times within ${spanOf(windowMs)}`;
}

function coolDown(
  { by, target }: Proposal,
  { nowMs, endedMs }: Facts,
  { coolDownMs }: GuardLimits,
): string | undefined {
  if (by === "person" || endedMs === undefined || nowMs >= endedMs + coolDownMs) return undefined;
  return `${target} had this until ${timeOf(endedMs)}, and is left alone until ${timeOf(endedMs + coolDownMs)}`;
}

function approval({ action, target, needsApproval }: Proposal): string | undefined {
  return needsApproval ? `to ${action} ${target} a person has to agree` : undefined;
}

function disruption(
  { target, isDisruptive }: Proposal,
  { nowMs, place, begun }: Facts,
  { disruptionWindowMs, disruptionShare }: GuardLimits,
): string | undefined {
  if (!isDisruptive) return undefined;
  const { domain, targets, peers } = place!;
  const felt = [
    ...new Set(
      begun
        .filter((one) => one.isDisruptive && one.domain === domain && one.target !== target)
        .filter(({ beganMs, isUnderWay }) => isUnderWay || beganMs > nowMs - disruptionWindowMs)
        .map((one) => one.target),
    ),
  ];
  const tooMany = (names: readonly string[], of: number): string | undefined => {
    const most = Math.max(1, Math.floor(disruptionShare * of));
    if (names.length < most) return undefined;
    return `${names.slice(0, 3).join(", ")} ${names.length === 1 ? "is" : "are"} being repaired, and at most ${most} of ${of} may be at a time`;
  };
  return (
    tooMany(felt, targets) ??
    tooMany(
      felt.filter((one) => peers.has(one)),
      peers.size,
    )
  );
}

function lastHealthy({ target, isDisruptive }: Proposal, { place }: Facts): string | undefined {
  const { domain, channel, healthyOthers, isHealthy } = place!;
  if (!isDisruptive || !isHealthy || healthyOthers > 0) return undefined;
  return `${target} is the last healthy one of ${channel ?? domain}`;
}

function budget(
  { target, runbook }: Proposal,
  { nowMs, place, begun }: Facts,
  { budgets, budgetWindowMs }: GuardLimits,
): string | undefined {
  const { domain } = place!;
  const within = begun.filter(({ beganMs }) => beganMs > nowMs - budgetWindowMs);
  const used = {
    target: within.filter((one) => one.target === target).length,
    runbook: within.filter((one) => one.runbook === runbook).length,
    domain: within.filter((one) => one.domain === domain).length,
    global: within.length,
  };
  const names = { target, runbook: `the runbook of ${runbook}`, domain, global: "all together" };
  for (const scope of ["target", "runbook", "domain", "global"] as const)
    if (used[scope] >= budgets[scope])
      return `the budget of ${names[scope]} is used up: ${used[scope]} within ${spanOf(budgetWindowMs)}`;
  return undefined;
}

/** For people. */
export const timeOf = (unixMs: number): string =>
  unixMs >= FOREVER_MS ? "somebody ends it" : `${new Date(unixMs).toISOString().slice(11, 19)} UTC`;

/** An order without an end. */
export const FOREVER_MS = 8_640_000_000_000_000;

function spanOf(lengthMs: number): string {
  const [minutes, seconds] = [lengthMs / 60_000, lengthMs / 1_000];
  return minutes >= 1 ? `${Math.round(minutes)} min` : `${Math.round(seconds)} s`;
}

/** The guard as it is configured. */
import type { Clock } from "@glassline/service/clock";
import { OperatorError } from "@glassline/service/errors";

import type { OpsBotConfig } from "./config.ts";
import type { ActionKind } from "./core/action.ts";
import type { GuardLimits } from "./core/guard.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { RUNBOOKS } from "./core/runbooks/catalogue.ts";
import type { TargetKind } from "./core/runbooks/runbook.ts";
import type { Targets } from "./guard.ts";
import { Guard } from "./guard.ts";

/** Of edges that were given none, and of all others. */
export const DOMAINS = {
  edge: "edges",
  link: "links",
  collector: "collectors",
  overlay: "overlays",
  channel: "channels",
  machine: "machines",
} as const satisfies Record<TargetKind, string>;

/** Throws OperatorError. */
export function openGuard(config: OpsBotConfig, overlays: readonly string[], clock: Clock): Guard {
  return new Guard({
    clock,
    limits: limitsOf(config),
    targets: targetsOf(config, overlays),
    approvals: new Set(config.approval.map(actionOf)),
  });
}

function limitsOf(config: OpsBotConfig): GuardLimits {
  return {
    ...GUARD_LIMITS,
    budgets: {
      target: config.budgetTarget,
      runbook: config.budgetRunbook,
      domain: config.budgetDomain,
      global: config.budgetGlobal,
    },
    budgetWindowMs: config.budgetWindow,
    disruptionWindowMs: config.disruptionWindow,
    coolDownMs: config.coolDown,
    flapping: { problems: config.flapProblems, windowMs: config.flapWindow },
    storm: {
      ...GUARD_LIMITS.storm,
      share: config.stormShare / 100,
      least: config.stormLeast,
    },
  };
}

function targetsOf(config: OpsBotConfig, overlays: readonly string[]): Targets {
  const { edge, failureDomain, meshNode, collector } = config;
  const of = (kind: TargetKind, names: readonly string[]) =>
    names.map((name) => [name, { kind, domain: DOMAINS[kind] as string }] as const);
  const named = (all: readonly { name: string }[]) => all.map(({ name }) => name);
  const targets = new Map([
    ...of("overlay", overlays),
    ...of("collector", named(collector)),
    ...of("link", named(meshNode)),
    ...of("edge", named(edge)),
  ]);
  for (const text of failureDomain) {
    const [name = "", domain = ""] = text.split("=", 2);
    if (targets.get(name)?.kind !== "edge" || domain === "")
      throw new OperatorError(
        `--failure-domain: got ${JSON.stringify(text)}, expected EDGE=DOMAIN with one of ${named(edge).join(", ")}`,
      );
    targets.set(name, { kind: "edge", domain });
  }
  return targets;
}

function actionOf(text: string): ActionKind {
  const kinds = RUNBOOKS.map(({ does }) => does);
  const kind = kinds.find((one) => one === text);
  if (kind) return kind;
  throw new OperatorError(`--approval: got ${JSON.stringify(text)}, expected ${kinds.join(", ")}`);
}

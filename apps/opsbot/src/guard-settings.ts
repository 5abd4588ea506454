/** The guard as it is configured. */
import type { Clock } from "@glassline/service/clock";
import { OperatorError } from "@glassline/service/errors";

import type { OpsBotConfig } from "./config.ts";
import type { Action } from "./core/decide.ts";
import { ACTION_KINDS } from "./core/decide.ts";
import type { GuardLimits } from "./core/guard.ts";
import { GUARD_LIMITS } from "./core/guard.ts";
import { Guard } from "./guard.ts";
import type { GuardRecords } from "./stores/guard-records.ts";

/** Of edges that were given none. */
const DOMAIN = "edges";

/** Throws OperatorError. */
export function openGuard(config: OpsBotConfig, records: GuardRecords, clock: Clock): Guard {
  return new Guard({
    records,
    clock,
    limits: limitsOf(config),
    domains: domainsOf(config),
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

function domainsOf({ edge, failureDomain }: OpsBotConfig): Map<string, string> {
  const domains = new Map(edge.map(({ name }) => [name, DOMAIN]));
  for (const text of failureDomain) {
    const [name = "", domain = ""] = text.split("=", 2);
    if (!domains.has(name) || domain === "")
      throw new OperatorError(
        `--failure-domain: got ${JSON.stringify(text)}, expected EDGE=DOMAIN with one of ${[...domains.keys()].join(", ")}`,
      );
    domains.set(name, domain);
  }
  return domains;
}

function actionOf(text: string): Action["kind"] {
  const kind = ACTION_KINDS.find((one) => one === text);
  if (kind) return kind;
  throw new OperatorError(
    `--approval: got ${JSON.stringify(text)}, expected ${ACTION_KINDS.join(", ")}`,
  );
}

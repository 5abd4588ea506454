/** Who tells OpsBot what is wrong: Icinga where there is one, else the embedded monitor. */
import type { AppDeps } from "@glassline/service/app";
import type { PostRoute } from "@glassline/service/http";

import type { OpsBotConfig } from "../config.ts";
import type { Registrar } from "../deployment/registrar.ts";
import { embeddedRegistrar } from "../deployment/registrar.ts";
import type { Machines } from "../machines.ts";
import type { Network } from "../network.ts";
import type { Reports } from "../stores/reports.ts";
import { checksOf } from "./checks.ts";
import { IcingaObserver } from "./icinga/icinga-observer.ts";
import { icingaMetrics } from "./icinga/metrics.ts";
import { pushRoute } from "./icinga/push-receiver.ts";
import { readIcingaSettings } from "./icinga/settings.ts";
import { Monitor } from "./monitor.ts";
import type { Observer } from "./observer.ts";

export interface ChosenObserver {
  observer: Observer;
  start(): void;
  /** Tells whoever observes what is done, until it is aborted. */
  report(signal: AbortSignal): Promise<void>;
  /** Where it learns of deployed edges. */
  registrar: Registrar;
  /** Results of what is no more are forgotten. */
  forget(object: string): void;
  /** Why it cannot be known how things are; empty when it can. */
  impediment(): string;
  routes: readonly PostRoute[];
}

/** Throws OperatorError. */
export function chooseObserver(
  config: OpsBotConfig,
  { network, machines, reports }: { network: Network; machines: Machines; reports: Reports },
  { clock, random, logger, metrics: registry }: AppDeps,
): ChosenObserver {
  const settings = readIcingaSettings(config);
  if (!settings) {
    const checks = checksOf({ network, machines, clock, intervalMs: config.interval });
    const observer = new Monitor(checks, clock);
    const start = () => observer.start(config.interval);
    return {
      observer,
      start,
      registrar: embeddedRegistrar(network),
      forget: (object) => observer.forget(object),
      report: async () => {},
      impediment: () => "",
      routes: [],
    };
  }
  const metrics = icingaMetrics(registry);
  const observer = new IcingaObserver({
    settings,
    reports,
    clock,
    random,
    logger,
    metrics,
    intervalMs: config.icingaInterval,
  });
  return {
    observer,
    start: () => observer.start(),
    registrar: observer.registrar(),
    // Icinga shows it no more.
    forget: () => {},
    report: (signal) => observer.report(signal),
    impediment: () => observer.impediment,
    routes: [pushRoute(config.icingaPushToken, () => observer.hint(), metrics)],
  };
}

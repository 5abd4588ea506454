import type { Metrics } from "@glassline/service/metrics";

import { ACT_BUCKETS, DETECT_BUCKETS, RECOVER_BUCKETS } from "./core/times.ts";

export function opsBotMetrics(metrics: Metrics) {
  return {
    results: metrics.counter("opsbot_check_results_total", "Results of checks, by state.", [
      "check",
      "state",
    ]),
    incidents: metrics.counter("opsbot_incidents_total", "Incidents opened.", ["check"]),
    actions: metrics.counter("opsbot_actions_total", "Actions that ended, by how.", [
      "action",
      "result",
    ]),
    escalations: metrics.counter("opsbot_escalations_total", "Incidents left to people.", [
      "check",
    ]),
    refusals: metrics.counter("opsbot_refusals_total", "What the guard did not let be done.", [
      "because",
    ]),
    open: metrics.gauge("opsbot_open_incidents", "Incidents that are open."),
    timeToDetect: metrics.histogram(
      "opsbot_time_to_detect_seconds",
      "From a problem's beginning to its incident.",
      DETECT_BUCKETS,
      ["check"],
    ),
    timeToAct: metrics.histogram(
      "opsbot_time_to_act_seconds",
      "From an incident's beginning to its first action.",
      ACT_BUCKETS,
      ["check"],
    ),
    timeToRecover: metrics.histogram(
      "opsbot_time_to_recover_seconds",
      "From an incident's beginning to its end.",
      RECOVER_BUCKETS,
      ["check"],
    ),
    timesRefused: metrics.counter(
      "opsbot_times_refused_total",
      "Times that cannot be: a clock was set in between.",
      ["time"],
    ),
  };
}

export type OpsBotMetrics = ReturnType<typeof opsBotMetrics>;

import type { Metrics } from "@glassline/service/metrics";

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
  };
}

export type OpsBotMetrics = ReturnType<typeof opsBotMetrics>;

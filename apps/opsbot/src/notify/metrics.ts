import type { Metrics } from "@glassline/service/metrics";

export function notifyMetrics(metrics: Metrics) {
  return {
    notifications: metrics.counter(
      "opsbot_notifications_total",
      "What people were told by webhook, by result; each failed try counts.",
      ["destination", "result"],
    ),
  };
}

export type NotifyMetrics = ReturnType<typeof notifyMetrics>;

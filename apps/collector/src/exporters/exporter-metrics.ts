/** What exporters count, by their Prometheus names. */
import type { Metrics } from "@glassline/service/metrics";

export type ExporterMetrics = ReturnType<typeof exporterMetrics>;

export function exporterMetrics(metrics: Metrics) {
  return {
    records: metrics.counter(
      "export_records_total",
      "Records of the log that a target has acknowledged, by exporter and signal.",
      ["exporter", "signal"],
    ),
    items: metrics.counter(
      "export_items_total",
      "Points, spans and log records that a target has acknowledged, by exporter and signal.",
      ["exporter", "signal"],
    ),
    failures: metrics.counter(
      "export_failures_total",
      "Requests that failed and are sent again, by exporter and reason.",
      ["exporter", "reason"],
    ),
    dropped: metrics.counter(
      "export_dropped_total",
      "Points, spans and log records that a target has refused for good, by exporter, signal and reason.",
      ["exporter", "signal", "reason"],
    ),
    lost: metrics.counter(
      "export_lost_records_total",
      "Records of the log that could not be exported: dropped by retention, or unreadable.",
      ["exporter", "reason"],
    ),
    lagRecords: metrics.gauge(
      "export_lag_records",
      "Records of the log that a target has not acknowledged.",
      ["exporter"],
    ),
    lagBytes: metrics.gauge(
      "export_lag_bytes",
      "About the bytes of the log that a target has not acknowledged.",
      ["exporter"],
    ),
    lagSeconds: metrics.gauge(
      "export_lag_seconds",
      "Age of the oldest record that is under way to a target; 0 when there is none.",
      ["exporter"],
    ),
  };
}

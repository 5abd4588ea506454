import type { Metrics } from "@glassline/service/metrics";

export function icingaMetrics(metrics: Metrics) {
  return {
    looks: metrics.counter("opsbot_icinga_looks_total", "Looks at what Icinga shows, by result.", [
      "result",
    ]),
    refused: metrics.counter(
      "opsbot_icinga_objects_refused_total",
      "Hosts and services in answers of Icinga that could not be understood.",
    ),
    hints: metrics.counter("opsbot_icinga_hints_total", "Hints that something happened, by way.", [
      "from",
    ]),
    streams: metrics.counter("opsbot_icinga_streams_total", "Streams of events, by result.", [
      "result",
    ]),
    streamUp: metrics.gauge("opsbot_icinga_stream_up", "Whether events of Icinga are heard."),
    reports: metrics.counter("opsbot_icinga_reports_total", "What Icinga was told, by result.", [
      "what",
      "result",
    ]),
  };
}

export type IcingaMetrics = ReturnType<typeof icingaMetrics>;

/** The camera agent's own metrics, by their Prometheus names. */
import type { Metrics } from "@glassline/service/metrics";

export type CameraMetrics = ReturnType<typeof cameraMetrics>;

export function cameraMetrics(metrics: Metrics) {
  return {
    samples: metrics.counter("camera_samples_total", "Samples that sources yielded."),
    reportsAcknowledged: metrics.counter(
      "camera_reports_acknowledged_total",
      "Reports that are on the gateway's disk.",
    ),
    reportsRefused: metrics.counter(
      "camera_reports_refused_total",
      "Refusals of the gateway, by reason.",
      ["reason"],
    ),
    reportsDropped: metrics.counter(
      "camera_reports_dropped_total",
      "Reports dropped here, by reason.",
      ["reason"],
    ),
    instructions: metrics.counter(
      "camera_instructions_total",
      "Instructions of the collector, by what became of them.",
      ["action", "outcome"],
    ),
    buffered: metrics.gauge("camera_reports_buffered", "Reports that wait for the gateway."),
    streamsOpened: metrics.counter("camera_streams_opened_total", "Streams opened to the gateway."),
    cameras: metrics.gauge("camera_sources", "Cameras of this agent.", ["source"]),
  };
}

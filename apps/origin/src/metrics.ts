import type { Metrics } from "@glassline/service/metrics";

export function originMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter("origin_requests_total", "Requests of edges, by answer.", ["status"]),
    sentBytes: metrics.counter("origin_sent_bytes_total", "Bytes of bodies sent to edges."),
    pushed: metrics.counter("origin_pushed_objects_total", "Objects that encoders pushed."),
    pushedBytes: metrics.counter("origin_pushed_bytes_total", "Bytes that encoders pushed."),
    refused: metrics.counter("origin_push_refused_total", "Pushed objects that were refused.", [
      "reason",
    ]),
  };
}

export type OriginMetrics = ReturnType<typeof originMetrics>;

import type { Metrics } from "@glassline/service/metrics";

export function originMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter("origin_requests_total", "Requests of edges, by answer.", ["status"]),
    sentBytes: metrics.counter("origin_sent_bytes_total", "Bytes of bodies sent to edges."),
    held: metrics.gauge(
      "origin_held_requests",
      "Requests that wait for a playlist or a part that does not exist yet.",
      ["what"],
    ),
    holds: metrics.counter(
      "origin_holds_total",
      "Requests that waited, by how that ended: answered, late, full (too many waited), left.",
      ["what", "outcome"],
    ),
    pushed: metrics.counter("origin_pushed_objects_total", "Objects that encoders pushed."),
    pushedBytes: metrics.counter("origin_pushed_bytes_total", "Bytes that encoders pushed."),
    refused: metrics.counter("origin_push_refused_total", "Pushed objects that were refused.", [
      "reason",
    ]),
  };
}

export type OriginMetrics = ReturnType<typeof originMetrics>;

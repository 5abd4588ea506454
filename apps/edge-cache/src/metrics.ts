import type { Metrics } from "@glassline/service/metrics";

const FIRST_BYTE_BUCKETS_S = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5,
];

export function edgeMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter(
      "edge_requests_total",
      "Requests of viewers, by kind and how they were served.",
      ["kind", "result"],
    ),
    sentBytes: metrics.counter("edge_sent_bytes_total", "Bytes of bodies sent to viewers."),
    originFetches: metrics.counter("edge_origin_fetches_total", "Whole answers of the origin."),
    originBytes: metrics.counter(
      "edge_origin_bytes_total",
      "Bytes of bodies fetched from the origin.",
    ),
    originFailures: metrics.counter("edge_origin_failures_total", "Fetches without an answer.", [
      "reason",
    ]),
    droppedConnections: metrics.counter(
      "edge_dropped_connections_total",
      "Connections closed because there were too many.",
    ),
    evicted: metrics.counter("edge_evicted_total", "Objects that made room for others."),
    actions: metrics.counter("edge_actions_total", "One-shot actions done.", ["kind"]),
    hitRatio: metrics.gauge(
      "edge_hit_ratio",
      "Share of requests of the last minute served without asking the origin.",
    ),
    viewers: metrics.gauge("edge_viewers", "Distinct viewers seen lately."),
    storedBytes: metrics.gauge("edge_stored_bytes", "Bytes in the store."),
    objects: metrics.gauge("edge_objects", "Objects in the store."),
    firstByte: metrics.histogram(
      "edge_first_byte_seconds",
      "From a request to the first byte of its answer.",
      FIRST_BYTE_BUCKETS_S,
      ["kind"],
    ),
  };
}

export type EdgeMetrics = ReturnType<typeof edgeMetrics>;

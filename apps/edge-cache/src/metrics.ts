import type { Metrics } from "@glassline/service/metrics";

import { Tallies } from "./core/tallies.ts";

const FIRST_BYTE_BUCKETS_S = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5,
];

export function edgeMetrics(metrics: Metrics) {
  const firstByte = metrics.histogram(
    "edge_first_byte_seconds",
    "From a request to the first byte of its answer.",
    FIRST_BYTE_BUCKETS_S,
    ["kind"],
  );
  const tallies = new Tallies((kind) => firstByte.labels(kind));
  metrics.counter(
    "edge_requests_total",
    "Requests of viewers, by kind and how they were served.",
    ["kind", "result"],
    (counter) => tallies.takeRequests((labels, requests) => counter.inc(labels, requests)),
  );
  metrics.counter("edge_sent_bytes_total", "Bytes of bodies sent to viewers.", [], (counter) =>
    counter.inc(tallies.takeBytes()),
  );
  return {
    tallies,
    originFetches: metrics.counter("edge_origin_fetches_total", "Whole answers of the origin."),
    originBytes: metrics.counter(
      "edge_origin_bytes_total",
      "Bytes of bodies fetched from the origin.",
    ),
    originFailures: metrics.counter("edge_origin_failures_total", "Fetches without an answer.", [
      "reason",
    ]),
    clusterFetches: metrics.counter(
      "edge_cluster_fetches_total",
      "Questions to other edges of the cluster instead of the origin.",
      ["member", "result"],
    ),
    connections: metrics.gauge("edge_connections", "Connections of viewers."),
    certificateExpires: metrics.gauge(
      "edge_certificate_expires_timestamp_seconds",
      "Until when the certificate that viewers are shown counts; 0: there is none.",
    ),
    prefetched: metrics.counter(
      "edge_prefetched_total",
      "Objects that were there before a viewer asked, by kind.",
      ["kind"],
    ),
    notFollowed: metrics.counter(
      "edge_not_followed_total",
      "Times that a rendition was not fetched ahead of its viewers because there were too many.",
    ),
    followed: metrics.gauge(
      "edge_followed_renditions",
      "Renditions that are fetched ahead of their viewers.",
    ),
    evicted: metrics.counter("edge_evicted_total", "Objects that made room for others."),
    refused: metrics.counter(
      "edge_refused_total",
      "Connections and requests of viewers refused or cut off, by reason.",
      ["reason"],
    ),
    keyLoads: metrics.counter(
      "edge_token_key_loads_total",
      "Times that the keys of viewers' tokens had changed.",
      ["result"],
    ),
    primed: metrics.counter("edge_primed_total", "Objects of primings.", ["result"]),
    accessLogDropped: metrics.counter(
      "edge_access_log_dropped_total",
      "Lines that the access log lacks.",
      ["reason"],
    ),
    actions: metrics.counter("edge_actions_total", "One-shot actions done.", ["kind"]),
    hitRatio: metrics.gauge(
      "edge_hit_ratio",
      "Share of requests of the last minute served without asking the origin.",
    ),
    draining: metrics.gauge("edge_draining", "1 while viewers are steered to other edges."),
    viewers: metrics.gauge("edge_viewers", "Distinct viewers seen lately."),
    storedBytes: metrics.gauge("edge_stored_bytes", "Bytes in the store."),
    inFlightBytes: metrics.gauge(
      "edge_in_flight_bytes",
      "Bytes of bodies on their way from the origin.",
    ),
    inFlightShortages: metrics.counter(
      "edge_in_flight_shortages_total",
      "Large bodies that were not kept, were refused, or whose reader was cut off.",
      ["reason"],
    ),
    originQuestions: metrics.gauge(
      "edge_origin_questions",
      "Questions that the origin is asked: short, long, or waiting for a place.",
      ["state"],
    ),
    revocations: metrics.gauge("edge_revocations", "Revocations of viewers' tokens that are kept."),
    objects: metrics.gauge("edge_objects", "Objects in the store."),
    addedWait: metrics.histogram(
      "edge_live_added_wait_seconds",
      "From the head of the origin's answer to that of the viewer's, where viewers waited for the origin.",
      FIRST_BYTE_BUCKETS_S,
    ),
    diskObjects: metrics.gauge("edge_disk_objects", "Objects on disk."),
    diskBytes: metrics.gauge("edge_disk_bytes", "Bytes of all segments on disk."),
    diskReads: metrics.counter(
      "edge_disk_reads_total",
      "Objects that were looked for on disk, by what came of it.",
      ["result"],
    ),
    diskDamaged: metrics.counter("edge_disk_damaged_total", "Records that were not as written."),
    diskDropped: metrics.counter(
      "edge_disk_dropped_total",
      "Objects that did not get to the disk.",
      ["reason"],
    ),
  };
}

export type EdgeMetrics = ReturnType<typeof edgeMetrics>;

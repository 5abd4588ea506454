/** The collector's own metrics, by their Prometheus names. */
import type { ConnectionLimit } from "@glassline/service/connections";
import type { Metrics } from "@glassline/service/metrics";

import type { DoorName } from "./doors.ts";

export type CollectorMetrics = ReturnType<typeof collectorMetrics>;

export function collectorMetrics(metrics: Metrics) {
  return {
    points: metrics.counter("points_stored_total", "Points made durable.", ["receiver"]),
    batches: metrics.counter("batches_stored_total", "OTQMN batches made durable."),
    spans: metrics.counter("spans_stored_total", "Spans made durable."),
    logRecords: metrics.counter("log_records_stored_total", "OTLP log records made durable."),
    otlpRefused: metrics.counter(
      "otlp_requests_refused_total",
      "OTLP requests refused as a whole, by reason.",
      ["reason"],
    ),
    otlpBytes: metrics.gauge(
      "otlp_bytes_in_flight",
      "Requests of OTLP and remote write received and not durable yet.",
    ),
    replays: metrics.counter("batch_replays_total", "Batches recognised as stored already."),
    dropped: metrics.counter(
      "dropped_total",
      "Points, spans, log records, batches or streams not taken, by reason.",
      ["reason"],
    ),
    streams: metrics.gauge("otqmn_streams", "OTQMN streams that are open."),
    sealedStreams: metrics.counter(
      "otqmn_sealed_streams_total",
      "OTQMN streams that nobody between their ends can read.",
    ),
    otqmnBytes: metrics.gauge(
      "otqmn_bytes_in_flight",
      "OTQMN batches received and not durable yet, with their points.",
    ),
    decoderBytes: metrics.gauge(
      "otqmn_decoder_bytes",
      "What decoders of OTQMN streams remember, estimated.",
    ),
    memoryUsed: metrics.gauge("memory_used_bytes", "Heap and buffers of the process."),
    admissionsWaiting: metrics.gauge(
      "otqmn_admissions_waiting",
      "Producers that have said Hello and wait for their turn.",
    ),
    admissions: metrics.counter(
      "otqmn_admissions_total",
      "Producers that were let in after their Hello.",
    ),
    appendSeconds: metrics.histogram(
      "append_duration_seconds",
      "From a batch's arrival to its durability.",
      [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1],
    ),
    logBytes: metrics.gauge("log_bytes", "Size of the log."),
    logSegments: metrics.gauge("log_segments", "Segments of the log."),
    logDroppedSegments: metrics.counter(
      "log_dropped_segments_total",
      "Segments of the log that retention let go, by reason.",
      ["reason"],
    ),
    logDroppedBytes: metrics.counter(
      "log_dropped_bytes_total",
      "Bytes of the log that retention let go, by reason.",
      ["reason"],
    ),
    blocks: metrics.counter("blocks_made_total", "Segments of the log that became blocks."),
    blockFailures: metrics.counter("block_failures_total", "Blocks that could not be made."),
    notInBlocks: metrics.counter(
      "block_unreadable_records_total",
      "Records of the log that could not be read when their block was made.",
    ),
    cameras: metrics.gauge("cameras", "Cameras by state.", ["state"]),
    fleetLatest: metrics.gauge(
      "fleet_latest",
      "Latest values over all cameras that are not silent, by metric: count, sum, least, greatest.",
      ["metric", "stat"],
    ),
    fleetMetricsNotShown: metrics.gauge(
      "fleet_metrics_not_shown",
      "Metrics of cameras beyond those in fleet_latest.",
    ),
    series: metrics.gauge("series", "Series known."),
    notShown: metrics.gauge(
      "not_shown",
      "Points and spans that are stored, but beyond what is held in memory for queries, by limit.",
      ["kind", "reason"],
    ),
    recentBytes: metrics.gauge("recent_points_bytes", "Memory held by recent points."),
  };
}

export type PortName = DoorName | "admin";

/** Of the process that listens. */
export function connectionMetrics(metrics: Metrics) {
  return {
    connections: metrics.gauge("connections", "Connections that are open, by port.", ["port"]),
    connectionsRefused: metrics.counter(
      "connections_refused_total",
      "Connections closed at once, by port and reason.",
      ["port", "reason"],
    ),
  };
}

/** A limit for one port that is seen in the metrics. */
export function connectionLimit(
  { connections, connectionsRefused }: ReturnType<typeof connectionMetrics>,
  port: PortName,
  max: number,
): ConnectionLimit {
  connections.set({ port }, 0);
  return {
    max,
    openChanged: (open) => connections.set({ port }, open),
    refused: () => connectionsRefused.inc({ port, reason: "too_many" }),
  };
}

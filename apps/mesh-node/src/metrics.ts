/** A mesh node's own metrics, by their Prometheus names. */
import type { Metrics } from "@glassline/service/metrics";

export type MeshMetrics = ReturnType<typeof meshMetrics>;

export function meshMetrics(metrics: Metrics) {
  return {
    framesRelayed: metrics.counter(
      "mesh_frames_relayed_total",
      "Frames handed to a next hop for others.",
    ),
    framesDropped: metrics.counter(
      "mesh_frames_dropped_total",
      "Frames not handed on, by reason.",
      ["reason"],
    ),
    routeChanges: metrics.counter(
      "mesh_route_changes_total",
      "Routes that were found, lost or replaced, or cost something else.",
    ),
    quantumKeys: metrics.counter(
      "mesh_quantum_keys_total",
      "Keys that the key manager was asked for, by what they come from; none: it had none.",
      ["source"],
    ),
    keyStock: metrics.gauge(
      "mesh_quantum_key_stock",
      "Keys that the key manager has for links that this node dials.",
      ["neighbour", "source"],
    ),
    keyRate: metrics.gauge(
      "mesh_quantum_key_rate",
      "New keys a second for links that this node dials, over a minute.",
      ["neighbour", "source"],
    ),
    qber: metrics.gauge(
      "mesh_quantum_qber_ratio",
      "Share of wrong bits of the quantum link below a link, as the key manager says.",
      ["neighbour", "source"],
    ),
    framesSalvaged: metrics.counter(
      "mesh_frames_salvaged_total",
      "Frames that a link had not delivered when it ended, and that went another way.",
    ),
    datagramsSent: metrics.counter(
      "mesh_datagrams_sent_total",
      "Datagrams of links over UDP, by what they carry.",
      ["carries"],
    ),
    datagramBytesSent: metrics.counter(
      "mesh_datagram_sent_bytes_total",
      "Bytes of datagrams of links over UDP, without their headers of IP and UDP, by what they carry.",
      ["carries"],
    ),
    datagramsDropped: metrics.counter(
      "mesh_datagrams_dropped_total",
      "Datagrams of links over UDP not taken, by reason.",
      ["reason"],
    ),
    reportsAccepted: metrics.counter(
      "gateway_reports_accepted_total",
      "Reports of cameras that are on the ring.",
    ),
    reportsRefused: metrics.counter(
      "gateway_reports_refused_total",
      "Reports of cameras not taken, by reason.",
      ["reason"],
    ),
    pointsAccepted: metrics.counter(
      "gateway_points_accepted_total",
      "Points of cameras that are on the ring.",
    ),
    bundles: metrics.counter("gateway_bundles_total", "Bundles written to the ring."),
    bundlesSent: metrics.counter(
      "gateway_bundles_sent_total",
      "Bundles sent to a collector, repetitions included.",
    ),
    streamsOpened: metrics.counter(
      "gateway_streams_opened_total",
      "Streams opened to a collector.",
    ),
    ringBytes: metrics.gauge("gateway_ring_bytes", "Size of the ring."),
    ringBundles: metrics.gauge(
      "gateway_ring_undurable_bundles",
      "Bundles that no collector has durably.",
    ),
    linkActions: metrics.counter(
      "mesh_link_actions_total",
      "Links that OpsBot restarted or gave new keys.",
      ["kind"],
    ),
  };
}

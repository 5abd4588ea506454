/** What the service counts. */
import type { Metrics } from "@glassline/service/metrics";

export type EnrolmentMetrics = ReturnType<typeof enrolmentMetrics>;

export function enrolmentMetrics(metrics: Metrics) {
  return {
    changes: metrics.counter(
      "enrolment_changes_total",
      "Channels put and removed, links made, devices revoked.",
      ["kind"],
    ),
    profiles: metrics.counter("enrolment_profiles_total", "Signed profiles given."),
    pages: metrics.counter("enrolment_pages_total", "Answers to phones, by page and status.", [
      "page",
      "status",
    ]),
    refused: metrics.counter(
      "enrolment_refused_total",
      "Requests of phones that were refused, by reason.",
      ["reason"],
    ),
    connections: metrics.gauge("enrolment_connections", "Connections of phones."),
    signerExpires: metrics.gauge(
      "enrolment_signer_expires_timestamp_seconds",
      "When the certificate that signs profiles expires.",
    ),
    certificateExpires: metrics.gauge(
      "enrolment_certificate_expires_timestamp_seconds",
      "When the certificate that phones are shown expires; 0: there is none.",
    ),
  };
}

import type { Metrics } from "@glassline/service/metrics";

export function accessMetrics(metrics: Metrics) {
  return {
    refusals: metrics.counter("opsbot_api_refusals_total", "Requests that were let do nothing.", [
      "because",
    ]),
    tokens: metrics.gauge("opsbot_api_tokens", "Tokens that let somebody in."),
    reads: metrics.counter(
      "opsbot_api_token_files_total",
      "How often the file of tokens was read, by result.",
      ["result"],
    ),
  };
}

export type AccessMetrics = ReturnType<typeof accessMetrics>;

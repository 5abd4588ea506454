/** A key manager's own metrics, by their Prometheus names. */
import type { Metrics } from "@glassline/service/metrics";

import type { QuantumLink } from "./link/quantum-link.ts";

export type KmeMetrics = ReturnType<typeof kmeMetrics>;

/** @param links by their other end. */
export function kmeMetrics(metrics: Metrics, links: ReadonlyMap<string, QuantumLink>) {
  const each = (value: (status: ReturnType<QuantumLink["status"]>) => number | undefined) =>
    function collect(gauge: {
      set: (labels: { peer: string; source: string }, value: number) => void;
    }) {
      for (const link of links.values()) {
        const status = link.status();
        const one = value(status);
        if (one !== undefined) gauge.set({ peer: status.peer, source: status.source }, one);
      }
    };
  const labels = ["peer", "source"] as const;
  metrics.gauge(
    "quantum_link_up",
    "1: both ends of the link discuss.",
    labels,
    each(({ isUp }) => Number(isUp)),
  );
  metrics.gauge(
    "quantum_key_stock_bytes",
    "Secret bytes of this end's half that are not given away.",
    labels,
    each(({ storedBytes }) => Number(storedBytes)),
  );
  metrics.gauge(
    "quantum_qber_ratio",
    "Share of wrong bits in the last block.",
    labels,
    each(({ qber }) => qber),
  );
  metrics.gauge(
    "quantum_chsh",
    "S of the inequality (Clauser, Horne, Shimony and Holt) in the last block of entangled pairs: above 2 they were entangled, 2.83 at most.",
    labels,
    each(({ chsh }) => chsh),
  );
  return {
    answers: metrics.counter("kme_answers_total", "Answers to SAEs, by call and status.", [
      "call",
      "status",
    ]),
    keys: metrics.counter("kme_keys_total", "Keys given to SAEs, by call.", ["call"]),
    waitingDropped: metrics.counter(
      "kme_waiting_keys_dropped_total",
      "Keys for which their second SAE did not ask, by reason.",
      ["reason"],
    ),
    blocks: metrics.counter(
      "quantum_blocks_total",
      "Blocks of sifted bits, by what became of them: key, no_key (too much may be known of it), unequal.",
      ["peer", "result"],
    ),
    secretBytes: metrics.counter(
      "quantum_secret_bytes_total",
      "Secret bytes that links have made, both halves.",
      ["peer"],
    ),
  };
}

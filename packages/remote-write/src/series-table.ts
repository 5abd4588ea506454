import { sortLabels } from "./labels.ts";
import type { Label, Metadata, Series } from "./series.ts";
import { METRIC_NAME } from "./series.ts";

export function millisOf(unixNano: bigint): bigint {
  return unixNano / 1_000_000n;
}

/** Series by their labels: points of one series come together, wherever they were. */
export class SeriesTable {
  readonly #series = new Map<string, Series>();

  get all(): Series[] {
    const used = [...this.#series.values()].filter(
      ({ samples, histograms, exemplars }) => samples.length + histograms.length + exemplars.length,
    );
    return used.flatMap(apart).map((one) => ({
      ...one,
      samples: one.samples.toSorted(byTime),
      histograms: one.histograms.toSorted(byTime),
    }));
  }

  /** @param labels a name that is there twice keeps its first value. */
  at(name: string, labels: readonly Label[], metadata: Metadata): Series {
    const unique = new Map([[METRIC_NAME, name]]);
    for (const label of labels) if (!unique.has(label.name)) unique.set(label.name, label.value);
    const sorted = sortLabels([...unique].map(([name, value]) => ({ name, value })));
    const key = JSON.stringify(sorted.map(({ name, value }) => [name, value]));
    const known = this.#series.get(key);
    if (known) return known;
    const made = { labels: sorted, samples: [], histograms: [], exemplars: [], metadata };
    this.#series.set(key, made);
    return made;
  }
}

/** 2.0 has samples and histograms of the same labels in two series. */
function apart(series: Series): Series[] {
  if (series.samples.length === 0 || series.histograms.length === 0) return [series];
  return [
    { ...series, histograms: [] },
    { ...series, samples: [], exemplars: [] },
  ];
}

function byTime(a: { timestampMs: bigint }, b: { timestampMs: bigint }): number {
  return a.timestampMs < b.timestampMs ? -1 : Number(a.timestampMs > b.timestampMs);
}

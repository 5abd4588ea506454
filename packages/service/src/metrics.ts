/** Prometheus metrics: one registry an app, so that several apps can live in one process. */
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  Registry,
  collectDefaultMetrics,
} from "prom-client";

export interface Metrics {
  registry: Registry;
  /**
   * A counter by reason or other labels; `glassline_` is put before the name.
   * @param collect adds what is new whenever metrics are read.
   */
  counter<L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (counter: Counter<L>) => void,
  ): Counter<L>;
  /** @param collect sets it whenever metrics are read. */
  gauge<L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L>;
  histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labels?: readonly L[],
  ): Histogram<L>;
}

/** @param processMetrics also those of the Node process; false where several apps share one. */
export function createMetrics(app: string, processMetrics = false): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ app });
  if (processMetrics) collectDefaultMetrics({ register: registry });
  // Gauges that are named like counters: Prometheus' own linter refuses them.
  for (const name of ["handles", "requests", "resources"])
    registry.removeSingleMetric(`nodejs_active_${name}_total`);
  const common = { registers: [registry] };
  const full = (name: string) => `glassline_${name}`;
  return {
    registry,
    counter: <L extends string>(
      name: string,
      help: string,
      labels: readonly L[] = [],
      collect?: (counter: Counter<L>) => void,
    ) => {
      const counter: Counter<L> = new Counter({
        name: full(name),
        help,
        labelNames: labels,
        ...(collect && { collect: () => collect(counter) }),
        ...common,
      });
      return counter;
    },
    gauge: <L extends string>(
      name: string,
      help: string,
      labels: readonly L[] = [],
      collect?: (gauge: Gauge<L>) => void | Promise<void>,
    ) => {
      const gauge: Gauge<L> = new Gauge({
        name: full(name),
        help,
        labelNames: labels,
        ...(collect && { collect: () => collect(gauge) }),
        ...common,
      });
      return gauge;
    },
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({ name: full(name), help, buckets, labelNames: labels, ...common }),
  };
}

/** What a registry holds, to be sent to another process. */
export type RegistryContent = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Several registries as Prometheus reads them; default labels should tell them apart. */
export function expositionOf(contents: readonly RegistryContent[]): Promise<string> {
  return AggregatorRegistry.aggregate(contents.map((one) => [...one])).metrics();
}

/** The sum of a counter over all its labels; for status answers. */
export async function totalOf<L extends string>(counter: Counter<L>): Promise<bigint> {
  const { values } = await counter.get();
  return BigInt(Math.round(values.reduce((sum, { value }) => sum + value, 0)));
}

/** The values of a counter with one label, by that label; for status answers. */
export async function valuesByLabel<L extends string>(
  counter: Counter<L>,
  label: L,
): Promise<Record<string, bigint>> {
  const { values } = await counter.get();
  return Object.fromEntries(
    values.map((entry) => [String(entry.labels[label]), BigInt(Math.round(entry.value))]),
  );
}

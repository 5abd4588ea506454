/**
 * Series as OTLP's metrics.
 * Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#prometheus-metric-points-to-otlp
 *
 * A classic histogram or summary comes as many series, which a sender may spread over requests. So each stays a metric of its own:
 * counts are monotonic sums, quantiles are gauges, and `prometheus.type` says what they are parts of.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { AggregationTemporality } from "@glassline/proto/otlp/metrics";
import type {
  MetricSchema,
  ResourceMetricsSchema,
  ScopeMetricsSchema,
} from "@glassline/proto/otlp/metrics";

import { Budget } from "./budget.ts";
import { exponentialPoint, isCustom, explicitPoint } from "./histogram-to-otlp.ts";
import type { Attributes, ExemplarInit } from "./points.ts";
import { NO_RECORDED_VALUE, attribute, exemplarOf, numberPoint, valueOf } from "./points.ts";
import type { Rejections } from "./rejections.ts";
import type { Label, NativeHistogram, Series } from "./series.ts";
import { METRIC_NAME } from "./series.ts";

/** Names what translated, where no instrumentation scope is known. */
export const OWN_SCOPE = "glassline.remote_write";
const SCOPE_NAME = "otel_scope_name";
const SCOPE_VERSION = "otel_scope_version";
const NOT_ATTRIBUTES: ReadonlySet<string> = new Set([
  METRIC_NAME,
  "job",
  "instance",
  SCOPE_NAME,
  SCOPE_VERSION,
]);

type MetricInit = MessageInitShape<typeof MetricSchema> & object;
type ResourceInit = MessageInitShape<typeof ResourceMetricsSchema> & object;
type ScopeInit = MessageInitShape<typeof ScopeMetricsSchema> & object;

export interface Written {
  samples: number;
  histograms: number;
  exemplars: number;
}

interface Group<T, P> {
  message: T;
  parts: Map<string, P>;
}
type ScopeGroup = Group<ScopeInit & { metrics: MetricInit[] }, { points: object[] }>;
type ResourceGroup = Group<
  ResourceInit & { resource: { attributes: Attributes }; scopeMetrics: ScopeInit[] },
  ScopeGroup
>;

export class OtlpBuilder {
  readonly written: Written = { samples: 0, histograms: 0, exemplars: 0 };
  readonly #resources = new Map<string, ResourceGroup>();
  /** Names of the attributes that `target_info` has given a resource. */
  readonly #targetNames = new Map<Attributes, Set<string>>();
  readonly #budget = new Budget();
  readonly #rejections: Rejections;

  constructor(rejections: Rejections) {
    this.#rejections = rejections;
  }

  get resourceMetrics(): ResourceInit[] {
    return [...this.#resources.values()].map(({ message }) => message);
  }

  add(series: Series): void {
    this.#charge(series);
    const resource = this.#resource(series.labels);
    if (valueOf(series.labels, METRIC_NAME) === "target_info") this.#target(series, resource);
    else this.#points(series, this.#scope(series.labels, resource));
  }

  /** Every point repeats the labels of its series. */
  #charge({ labels, samples, histograms, exemplars }: Series): void {
    this.#budget.labels(labels, 1 + samples.length + histograms.length);
    for (const exemplar of exemplars) this.#budget.labels(exemplar.labels);
  }

  #resource(labels: readonly Label[]): ResourceGroup {
    const names = [
      ["service.name", valueOf(labels, "job")],
      ["service.instance.id", valueOf(labels, "instance")],
    ] as const;
    const message = () => ({
      resource: { attributes: names.flatMap(([key, value]) => attribute(key, value)) },
      scopeMetrics: [],
    });
    return group(this.#resources, JSON.stringify(names), message);
  }

  /** The labels of `target_info` are attributes of what it names. */
  #target({ labels, samples, exemplars }: Series, { message }: ResourceGroup): void {
    const { attributes } = message.resource;
    const known = this.#targetNames.get(attributes) ?? new Set(attributes.map(({ key }) => key));
    this.#targetNames.set(attributes, known);
    for (const { name, value } of labels) {
      if (NOT_ATTRIBUTES.has(name) || known.has(name)) continue;
      known.add(name);
      attributes.push(...attribute(name, value));
    }
    this.written.samples += samples.length;
    this.written.exemplars += exemplars.length;
  }

  #scope(labels: readonly Label[], { message, parts }: ResourceGroup): ScopeGroup {
    const name = valueOf(labels, SCOPE_NAME);
    const version = valueOf(labels, SCOPE_VERSION);
    const scope = name + version === "" ? { name: OWN_SCOPE } : { name, version };
    return group(
      parts,
      JSON.stringify([name, version]),
      () => ({ scope, metrics: [] }),
      (made) => message.scopeMetrics.push(made),
    );
  }

  #points(series: Series, scope: ScopeGroup): void {
    const attributes = series.labels
      .filter(({ name }) => !NOT_ATTRIBUTES.has(name))
      .flatMap(({ name, value }) => attribute(name, value));
    const made: { exemplars: ExemplarInit[] }[] = [];
    const take = (kind: string, point: () => { exemplars: ExemplarInit[] }) => {
      const one = this.#rejections.guard(1, point);
      if (!one) return 0;
      this.#metric(series, kind, scope).points.push(one);
      made.push(one);
      return 1;
    };
    const kind = kindOf(series);
    for (const sample of series.samples)
      this.written.samples += take(kind, () => numberPoint(sample, attributes));
    for (const histogram of series.histograms)
      this.written.histograms += take(histogramKind(histogram), () =>
        isCustom(histogram)
          ? explicitPoint(histogram, attributes, this.#budget)
          : exponentialPoint(histogram, attributes, this.#budget),
      );
    this.#exemplars(series, made.at(-1), (exemplars) =>
      take(kind, () => ({
        attributes,
        timeUnixNano: exemplars[0]!.timeUnixNano,
        exemplars,
        flags: NO_RECORDED_VALUE,
      })),
    );
  }

  /** They belong to the last point that has a value; without one, to a point that has none. */
  #exemplars(
    { exemplars, samples, histograms }: Series,
    last: { exemplars: ExemplarInit[]; flags?: number } | undefined,
    take: (exemplars: ExemplarInit[]) => void,
  ): void {
    if (exemplars.length === 0 || (!last && samples.length + histograms.length > 0)) return;
    const found = exemplars.flatMap(
      (one) => this.#rejections.guard(1, () => exemplarOf(one)) ?? [],
    );
    this.written.exemplars += found.length;
    if (last && last.flags === undefined) last.exemplars.push(...found);
    else if (found.length > 0) take(found);
  }

  #metric({ labels, metadata }: Series, kind: string, scope: ScopeGroup): { points: object[] } {
    const name = valueOf(labels, METRIC_NAME);
    const { type, help, unit } = metadata;
    const key = JSON.stringify([name, kind, type, unit]);
    const known = scope.parts.get(key);
    if (known) return known;
    this.#budget.text(help.length + unit.length);
    const points: object[] = [];
    scope.message.metrics.push({
      name,
      description: help,
      unit,
      metadata: attribute("prometheus.type", type),
      data: dataOf(kind, points),
    });
    scope.parts.set(key, { points });
    return { points };
  }
}

function group<T, P>(
  groups: Map<string, Group<T, P>>,
  key: string,
  make: () => T,
  onMade: (message: T) => void = () => {},
): Group<T, P> {
  const known = groups.get(key);
  if (known) return known;
  const made = { message: make(), parts: new Map<string, P>() };
  groups.set(key, made);
  onMade(made.message);
  return made;
}

function kindOf({ labels, metadata: { type } }: Series): string {
  if (type === "counter") return "counter";
  if (type === "info" || type === "stateset") return "sum";
  if (type !== "histogram" && type !== "summary") return "gauge";
  const name = valueOf(labels, METRIC_NAME);
  return /_(?:bucket|count)$/.test(name) ? "counter" : name.endsWith("_sum") ? "sum" : "gauge";
}

const histogramKind = (histogram: NativeHistogram) =>
  isCustom(histogram) ? "histogram" : "exponentialHistogram";

function dataOf(kind: string, dataPoints: object[]): NonNullable<MetricInit["data"]> {
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  switch (kind) {
    case "counter":
    case "sum": {
      const isMonotonic = kind === "counter";
      return { case: "sum", value: { dataPoints, aggregationTemporality, isMonotonic } };
    }
    case "histogram":
    case "exponentialHistogram":
      return { case: kind, value: { dataPoints, aggregationTemporality } };
    default:
      return { case: "gauge", value: { dataPoints } };
  }
}

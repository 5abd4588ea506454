/** Collects reports of cameras and cuts them into bundles. Pure but for its own memory. */
import type { Bundle, CameraFacts, Series } from "@glassline/otqmn/sample";
import { seriesId } from "@glassline/otqmn/sample";

/** A camera's report with its series resolved. */
export interface ResolvedReport {
  agent: string;
  /** Hexadecimal. */
  incarnation: string;
  seq: number;
  facts: CameraFacts | undefined;
  series: readonly Series[];
  timeUnixNano: readonly bigint[];
  value: readonly number[];
  /** 29 bytes, or empty. */
  traceContext: Uint8Array;
}

export interface AgentMark {
  incarnation: string;
  seq: number;
}

export interface Cut {
  bundle: Bundle;
  reports: readonly ResolvedReport[];
}

export class BundleCutter {
  #reports: ResolvedReport[] = [];
  #points = 0;

  get points(): number {
    return this.#points;
  }

  add(report: ResolvedReport): void {
    this.#reports.push(report);
    this.#points += report.value.length;
  }

  /** Everything since the last cut; undefined when there is nothing. */
  cut(): Cut | undefined {
    const reports = this.#reports;
    if (reports.length === 0) return undefined;
    [this.#reports, this.#points] = [[], 0];
    return cutOf(reports);
  }

  /** Takes out what these agents have sent since the last cut. */
  drop(agents: ReadonlySet<string>): ResolvedReport[] {
    const { dropped = [], kept = [] } = Object.groupBy(this.#reports, ({ agent }) =>
      agents.has(agent) ? "dropped" : "kept",
    );
    this.#reports = kept;
    this.#points = kept.reduce((sum, { value }) => sum + value.length, 0);
    return dropped;
  }
}

export const cutOf = (reports: readonly ResolvedReport[]): Cut => ({
  reports,
  bundle: bundleOf(reports),
});

/** Agents report of the same series again and again, as the same object. */
const ids = new WeakMap<Series, string>();

function idOf(series: Series): string {
  const known = ids.get(series);
  if (known !== undefined) return known;
  const id = seriesId(series);
  ids.set(series, id);
  return id;
}

function bundleOf(reports: readonly ResolvedReport[]): Bundle {
  const [byObject, byId] = [new Map<Series, number>(), new Map<string, number>()];
  const series: Series[] = [];
  const indexOf = (one: Series) => {
    const known = byObject.get(one);
    if (known !== undefined) return known;
    const id = idOf(one);
    const index = byId.get(id) ?? series.push(one) - 1;
    byId.set(id, index);
    byObject.set(one, index);
    return index;
  };
  const seriesIndex = Uint32Array.from(reports.flatMap((report) => report.series.map(indexOf)));
  return {
    series,
    seriesIndex,
    timeUnixNano: BigUint64Array.from(reports.flatMap((report) => report.timeUnixNano)),
    value: Float64Array.from(reports.flatMap((report) => report.value)),
    cameras: reports.flatMap(({ facts }) => (facts ? [facts] : [])),
    traceContexts: reports
      .map(({ traceContext }) => traceContext)
      .filter(({ length }) => length > 0),
  };
}

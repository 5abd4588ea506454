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
    return { reports, bundle: bundleOf(reports) };
  }
}

function bundleOf(reports: readonly ResolvedReport[]): Bundle {
  const indexes = new Map<string, number>();
  const series: Series[] = [];
  const indexOf = (one: Series) => {
    const id = seriesId(one);
    let index = indexes.get(id);
    if (index === undefined) {
      indexes.set(id, (index = series.length));
      series.push(one);
    }
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

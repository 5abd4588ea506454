/** The series that one stream has defined, by number, and what makes a report acceptable. */
import type { Series as OtqmnSeries, SeriesKind as OtqmnKind } from "@glassline/otqmn/sample";
import type { Report, Series } from "@glassline/proto/camera";
import { SeriesKind } from "@glassline/proto/camera";
import { RpcError } from "@glassline/proto/errors";

const SERIES_MAX_PER_STREAM = 500_000;
const POINTS_MAX_PER_REPORT = 20_000;
/** What the codec carries (packages/otqmn/src/sample.ts), with room to spare. */
const TEXT_MAX_LENGTH = 1_024;
const ATTRIBUTES_MAX = 64;

const KINDS: ReadonlyMap<SeriesKind, OtqmnKind> = new Map([
  [SeriesKind.GAUGE, "gauge"],
  [SeriesKind.COUNTER, "counter"],
  [SeriesKind.STATE, "state"],
]);

export class StreamSeries {
  /** Undefined where a definition was not acceptable: numbers go on all the same. */
  readonly #series: (OtqmnSeries | undefined)[] = [];

  /** Throws RpcError when the stream has too many. */
  define(newSeries: readonly Series[]): void {
    if (this.#series.length + newSeries.length > SERIES_MAX_PER_STREAM) {
      const message = `new_series: got more than ${SERIES_MAX_PER_STREAM} series on one stream`;
      throw new RpcError("resource_exhausted", message);
    }
    for (const one of newSeries) this.#series.push(acceptable(one));
  }

  /** Of a report without a problem. */
  get(number: number): OtqmnSeries {
    return this.#series[number]!;
  }

  /** What is wrong with a report, was got and was expected; undefined when it is acceptable. */
  problemOf({ cameraId, attributes, series, timeUnixNano, value }: Report): string | undefined {
    const lengths = [series.length, timeUnixNano.length];
    if (lengths.some((length) => length !== value.length) || value.length > POINTS_MAX_PER_REPORT) {
      const got = `${series.length} series, ${timeUnixNano.length} times, ${value.length} values`;
      return `report: got ${got}, expected equal numbers of at most ${POINTS_MAX_PER_REPORT}`;
    }
    const unknown = series.find((number) => this.#series[number] === undefined);
    if (unknown !== undefined) {
      return `series: got number ${unknown}, expected that of an acceptable definition (a camera, a metric and a kind; ${textRule})`;
    }
    return cameraId !== "" && areTexts([cameraId], attributes)
      ? undefined
      : `camera: expected an id and attributes with ${textRule}`;
  }
}

const textRule = `texts of at most ${TEXT_MAX_LENGTH} characters and at most ${ATTRIBUTES_MAX} attributes`;

function acceptable({ cameraId, metric, unit, kind, attributes }: Series): OtqmnSeries | undefined {
  const name = KINDS.get(kind);
  if (!name || metric === "" || cameraId === "") return undefined;
  if (!areTexts([cameraId, metric, unit], attributes)) return undefined;
  const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { cameraId, metric, unit, kind: name, attributes: Object.fromEntries(sorted) };
}

function areTexts(texts: readonly string[], attributes: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(attributes);
  const all = [...texts, ...entries.flat()];
  return entries.length <= ATTRIBUTES_MAX && all.every((text) => text.length <= TEXT_MAX_LENGTH);
}

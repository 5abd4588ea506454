/** Points that tell where they come from: the value of a point is (number of its sender, number of the point). */
import type { Bundle, Series } from "@glassline/otqmn/sample";

/** Points of a sender take turns in so many series, which makes batches with several columns. */
const LANES = 3;
/** A double holds 53 bits: 32 for the point, the rest for the sender. */
const POINTS_MAX = 2 ** 32;

export const METRIC = "camera.frames.captured";

/** The points of one sender, in order: point n, from 1 on, has a value and a time of its own. */
export class CountedPoints {
  readonly cameraId: string;
  readonly series: readonly Series[];
  readonly #sender: number;
  readonly #startUnixNano: bigint;
  readonly #stepNano: number;

  constructor(sender: number, startUnixNano: bigint, stepNano: number) {
    this.cameraId = `cam-${String(sender).padStart(4, "0")}`;
    this.series = Array.from({ length: LANES }, (_, lane) => ({
      cameraId: this.cameraId,
      metric: METRIC,
      unit: "{frame}",
      kind: "gauge",
      attributes: { lane: String(lane) },
    }));
    this.#sender = sender;
    this.#startUnixNano = startUnixNano;
    this.#stepNano = stepNano;
  }

  timeUnixNano(point: number): bigint {
    return this.#startUnixNano + BigInt(point * this.#stepNano);
  }

  value(point: number): number {
    return this.#sender * POINTS_MAX + point;
  }

  seriesIndex(point: number): number {
    return point % LANES;
  }

  /** The number of a stored point; undefined when no point of this sender has this lane, time and value. */
  pointOf(lane: string, timeUnixNano: bigint, value: number): number | undefined {
    const point = value - this.#sender * POINTS_MAX;
    if (!Number.isInteger(point) || point < 1 || point >= POINTS_MAX) return undefined;
    const isWhole =
      lane === String(this.seriesIndex(point)) && timeUnixNano === this.timeUnixNano(point);
    return isWhole ? point : undefined;
  }

  /** Points `first` to `last`. */
  bundle(first: number, last: number): Bundle {
    const points = Array.from({ length: last - first + 1 }, (_, at) => first + at);
    return {
      series: this.series,
      seriesIndex: Uint32Array.from(points, (point) => this.seriesIndex(point)),
      timeUnixNano: BigUint64Array.from(points, (point) => this.timeUnixNano(point)),
      value: Float64Array.from(points, (point) => this.value(point)),
      cameras: [{ cameraId: this.cameraId, attributes: { "camera.source": "torture" } }],
      traceContexts: [],
    };
  }
}

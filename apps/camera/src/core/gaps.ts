/** What this agent had to drop, by camera, until a report can tell it. Pure but for its own memory, which is bounded. */
import type { Series } from "@glassline/otqmn/sample";
import {
  METRIC_CAMERA_GAP_DURATION,
  METRIC_CAMERA_GAP_REPORTS,
  METRICS,
} from "@glassline/telemetry/conventions";

import type { CameraReport, Sample } from "../sources/source.ts";

/** Why reports cannot leave. */
export interface Obstacle {
  cause: "camera" | "mesh" | "collector";
  reason: string;
}

interface Gap extends Obstacle {
  fromUnixNano: bigint;
  toUnixNano: bigint;
  reports: number;
}

/** Beyond this the last one grows, whatever its reason. */
const GAPS_MAX_PER_CAMERA = 64;
const NANO = 1e9;

export class Gaps {
  readonly #gaps = new Map<string, Gap[]>();
  /** The same series is the same object: streams number them by that. */
  readonly #series = new Map<string, Series>();

  /** The report was dropped. */
  lost({ cameraId, samples }: CameraReport, { cause, reason }: Readonly<Obstacle>): void {
    if (samples.length === 0) return;
    const gaps = this.#gaps.get(cameraId) ?? [];
    this.#gaps.set(cameraId, gaps);
    const last = gaps.at(-1);
    const isSame = last?.cause === cause && last.reason === reason;
    const times = samples.map(({ timeUnixNano }) => timeUnixNano);
    const [from, to] = [least(times), greatest(times)];
    if (last && (isSame || gaps.length >= GAPS_MAX_PER_CAMERA)) {
      last.fromUnixNano = least([last.fromUnixNano, from]);
      last.toUnixNano = greatest([last.toUnixNano, to]);
      last.reports++;
    } else gaps.push({ cause, reason, fromUnixNano: from, toUnixNano: to, reports: 1 });
  }

  /** Whether there is something to tell of the camera. */
  has(cameraId: string): boolean {
    return this.#gaps.has(cameraId);
  }

  /** The camera's gaps as samples; they are not told again. */
  take(cameraId: string): Sample[] {
    const gaps = this.#gaps.get(cameraId) ?? [];
    this.#gaps.delete(cameraId);
    return gaps.flatMap((gap) => {
      const { fromUnixNano: timeUnixNano, toUnixNano, reports } = gap;
      const seconds = Number(toUnixNano - timeUnixNano) / NANO;
      const of = (metric: string) => this.#seriesOf(cameraId, metric, gap);
      return [
        { series: of(METRIC_CAMERA_GAP_DURATION), timeUnixNano, value: seconds },
        { series: of(METRIC_CAMERA_GAP_REPORTS), timeUnixNano, value: reports },
      ];
    });
  }

  #seriesOf(cameraId: string, metric: string, { cause, reason }: Obstacle): Series {
    const key = `${cause} ${reason} ${metric} ${cameraId}`;
    let series = this.#series.get(key);
    if (!series) {
      const { unit, kind } = METRICS[metric]!;
      series = { cameraId, metric, unit, kind, attributes: { cause, reason } };
      this.#series.set(key, series);
    }
    return series;
  }
}

const least = (times: readonly bigint[]) => times.reduce((a, b) => (b < a ? b : a));
const greatest = (times: readonly bigint[]) => times.reduce((a, b) => (b > a ? b : a));

/** Sources for tests: what goes in is known, so that what comes out can be compared. */
import type { Sample, Source } from "@glassline/camera/source";
import type { Series } from "@glassline/otqmn/sample";

export const COUNTED_METRIC = "camera.frames.captured";

export function seriesOf(cameraId: string, metric = COUNTED_METRIC): Series {
  return { cameraId, metric, unit: "{frame}", kind: "counter", attributes: {} };
}

/** Of a collector's query service, what these tests need. */
interface Query {
  queryRange(asked: {
    cameraId: string;
    metric: string;
  }): Promise<{ series: readonly { value: number[] }[] }>;
}

/** What a collector has stored of a counting source, in order. Rejects while nothing has come from the camera. */
export async function countedValues(query: Query, cameraId: string): Promise<number[]> {
  const { series } = await query.queryRange({ cameraId, metric: COUNTED_METRIC });
  return series[0]?.value ?? [];
}

export interface CountingSource extends Source {
  /** How many samples were yielded: their values are 1 to this. */
  readonly yielded: number;
  /** No more samples from now on, until it is told to go on. */
  finish(): void;
  resume(): void;
}

export interface CountingOptions {
  perReport: number;
  intervalMs: number;
  /** The value of the n-th sample; n itself when it is left out. */
  valueAt?: (count: number) => number;
}

/** Yields 1, 2, 3, ... in reports of one camera, so many a report, until it is told to finish. */
export function countingSource(
  cameraId: string,
  { perReport, intervalMs, valueAt = (count) => count }: CountingOptions,
): CountingSource {
  const series = seriesOf(cameraId);
  let [yielded, finished] = [0, false];
  return {
    cameras: [{ cameraId, attributes: { "camera.source": "test" } }],
    get yielded() {
      return yielded;
    },
    finish: () => void (finished = true),
    resume: () => void (finished = false),
    async *reports(signal) {
      while (!signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, intervalMs));
        if (finished) continue;
        const startNano = BigInt(Date.now()) * 1_000_000n;
        const samples = Array.from({ length: perReport }, (_, at) => ({
          series,
          timeUnixNano: startNano + BigInt(at),
          value: valueAt(++yielded),
        }));
        yield { cameraId, samples };
      }
    },
  };
}

/** Yields given samples once, in reports of so many, and then nothing more. */
export function fixedSource(
  cameraId: string,
  samples: readonly Sample[],
  perReport = 1_000,
): Source {
  return {
    cameras: [{ cameraId, attributes: { "camera.source": "test" } }],
    async *reports(signal) {
      for (let at = 0; at < samples.length; at += perReport)
        yield { cameraId, samples: samples.slice(at, at + perReport) };
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
}
